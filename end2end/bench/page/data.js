// The same numbers in every page and every run: a walk in steps of a cent, a point a second.

/** Noon of a day in UTC. */
const START = Date.UTC(2026, 0, 5, 12);

/** Numbers in [0, 1) that are the same each time (mulberry32). */
export function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A price that goes on from one to the next: in cents, so that no rounding adds up. */
export function walk(seed, cents = 60_000) {
  const next = random(seed);
  let price = cents;
  return () => {
    price = Math.max(100, price + Math.round((next() - 0.5) * 20));
    return price / 100;
  };
}

/** So many points; times in milliseconds since the epoch. */
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
