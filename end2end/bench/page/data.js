// The same numbers in each page and each run: a random walk in steps of a cent, one point a second.

/** Noon of a day in UTC. */
const START = Date.UTC(2026, 0, 5, 12);

/** Pseudo-random numbers in [0, 1), the same each time (mulberry32). */
export function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A random walk of a price, in cents, so that rounding errors do not add up. */
export function walk(seed, cents = 60_000) {
  const next = random(seed);
  let price = cents;
  return () => {
    price = Math.max(100, price + Math.round((next() - 0.5) * 20));
    return price / 100;
  };
}

/** `count` points, with times in milliseconds since the epoch. */
export function history(count) {
  const price = walk(count);
  const times = new Float64Array(count);
  const values = new Float64Array(count);
  for (let index = 0; index < count; index += 1) {
    times[index] = START + index * 1_000;
    values[index] = price();
  }
  return { times, values };
}
