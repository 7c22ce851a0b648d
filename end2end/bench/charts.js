// The measurements of a chart, each in its own page.
import { observe, settled, withPage, work } from './browser.js';

const sorted = (numbers) => numbers.toSorted((one, other) => one - other);

/** The quantile: the least number that a part of them does not exceed. */
export const quantile = (numbers, part) => {
  const order = sorted(numbers);
  return order[Math.max(0, Math.ceil(part * order.length) - 1)];
};

/** The median. */
export const median = (numbers) => {
  const order = sorted(numbers);
  const half = order.length >> 1;
  return order.length % 2 === 1 ? order[half] : (order[half - 1] + order[half]) / 2;
};

/** A page with the library of one chart. */
function withChart({ browser, url }, chart, use) {
  return withPage(browser, url, async (page, session) => {
    await page.waitForFunction(() => globalThis.bench !== undefined);
    const { startUp } = await page.evaluate((name) => bench.load(name), chart);
    await settled(browser);
    return use(page, session, startUp);
  });
}

async function drawn(page, session, count) {
  const { prepared } = await page.evaluate((points) => bench.prepare(points), count);
  const before = await work(session);
  const first = await page.evaluate(() => bench.draw());
  const after = await work(session);
  return { ...first, prepared, work: (after.all - before.all) * 1_000 };
}

/** The first drawing with so many points, and the cost of each appended point. */
export function draw(at, chart, { points, times, seconds }) {
  return withChart(at, chart, async (page, session, startUp) => {
    const first = await drawn(page, session, points);
    const shown = await page.evaluate((expected) => bench.count(expected), points);
    const costs = await page.evaluate((much) => bench.append(much), { times, seconds });
    return {
      startUp,
      first: first.drawn,
      work: first.work,
      prepared: first.prepared,
      shown,
      append: median(costs.drawn),
      append99: quantile(costs.drawn, 0.99),
      appendScripts: median(costs.scripts),
      appended: costs.drawn.length,
    };
  });
}

/** Quotes of thirty symbols, a thousand a second, of which the chart shows one. */
export function stream(at, chart, { seconds }) {
  return withChart(at, chart, async (page, session) => {
    await drawn(page, session, 3_600);
    const much = { milliseconds: seconds * 1_000, rate: 1_000, symbols: 30 };
    return observe(page, session, () => page.evaluate((quotes) => bench.stream(quotes), much));
  });
}

/** Moves the pointer back and forth over a chart, at the rate of a mouse. */
export function pointer(at, chart, { seconds, points }) {
  return withChart(at, chart, async (page, session) => {
    await drawn(page, session, points);
    return observe(page, session, () => sweep(session, seconds));
  });
}

/** Zooms by the wheel into all points until few are left, and out again, two seconds each. */
export function zoom(at, chart, { seconds, points }) {
  return withChart(at, chart, async (page, session) => {
    await drawn(page, session, points);
    const turned = (turn) => ({ type: 'mouseWheel', deltaX: 0, deltaY: turn % 4 < 2 ? -80 : 80 });
    return observe(page, session, () => sweep(session, seconds, 60, turned));
  });
}

/**
 * Moves the pointer over the box of 960 × 540 at a rate per second, or calls `does` with the time
 * in seconds.
 */
export async function sweep(session, seconds, rate = 125, does = () => ({ type: 'mouseMoved' })) {
  const began = performance.now();
  const sent = [];
  for (let move = 0; move < seconds * rate; move += 1) {
    const due = began + (move * 1_000) / rate;
    const wait = due - performance.now();
    if (wait > 0) {
      await new Promise((done) => setTimeout(done, wait));
    }
    const turn = move / rate;
    sent.push(
      session.send('Input.dispatchMouseEvent', {
        ...does(turn),
        x: Math.round(450 + 400 * Math.sin(turn * 1.7)),
        y: Math.round(260 + 200 * Math.sin(turn * 2.3)),
      }),
    );
  }
  await Promise.all(sent);
  return { moves: sent.length };
}
