import type { Page } from '@playwright/test';
import { Dashboard } from '../helpers/dashboard.ts';
import { bar, Desk, deskArguments, quote, story, streams } from '../helpers/desk.ts';
import { expect, test } from '../helpers/journey.ts';
import { Wire } from '../helpers/stream.ts';

const minute = 60_000;
const day = 24 * 60 * minute;

/** The delay that the page shows, in ms. */
async function delay(dashboard: Dashboard): Promise<number> {
  await expect(dashboard.connection).toHaveText(/^\s*Live · \d+ ms$/);
  return Number(/(\d+) ms/.exec((await dashboard.connection.textContent()) ?? '')?.[1]);
}

/** Whether prices have lost their colour. */
async function isDimmed(dashboard: Dashboard): Promise<boolean> {
  const colour = (element: Element) => getComputedStyle(element).color;
  return (await dashboard.field('price').evaluate(colour)) !== (await dashboard.heading.evaluate(colour));
}

/** Makes the page hidden or visible. A page of a headless browser is always visible. */
async function setHidden(page: Page, hidden: boolean): Promise<void> {
  await page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  }, hidden);
}

test('live, with the delay', async ({ page, market, dashboard }) => {
  await page.goto(`${market.url}/stocks/GOOG`);
  expect(await delay(dashboard)).toBeLessThan(2_000);
  expect(await isDimmed(dashboard)).toBe(false);
});

test.describe('reconnecting', () => {
  test.use({ quiet: false });

  test('shows since when, dims prices, and shows their age', async ({
    page,
    serve,
    dashboard,
  }) => {
    const server = await serve('--seed', '11');
    await page.goto(`${server.url}/stocks/GOOG`);
    await dashboard.isLive();
    const lost = await page.evaluate(() => new Date().toTimeString().slice(0, 5));
    await server.kill();
    await expect(dashboard.connection).toHaveText(/^\s*Reconnecting since \d\d:\d\d:\d\d$/);
    expect(await dashboard.connection.textContent()).toContain(lost.slice(0, 3));
    expect(await isDimmed(dashboard)).toBe(true);
    await expect(dashboard.quote.getByText(/^\d+ s old$/)).toBeVisible();
    await server.start();
    await dashboard.isLive();
    await expect.poll(() => isDimmed(dashboard)).toBe(false);
    await expect(dashboard.quote.getByText(/^\d+ s old$/)).toBeHidden();
  });
});

test('stale when three heartbeats are missing', async ({ page, serve, dashboard }) => {
  const server = await serve('--seed', '11');
  const wire = await Wire.to(server.address);
  try {
    await page.goto(`${wire.url}/stocks/GOOG`);
    await dashboard.isLive();
    wire.stall(true);
    await expect(dashboard.connection).toHaveText(/^\s*Stale since \d\d:\d\d:\d\d$/, {
      timeout: 60_000,
    });
    expect(await isDimmed(dashboard)).toBe(true);
    await expect(dashboard.quote.getByText(/^([4-9]\d s|\d+ min) old$/)).toBeVisible();
    wire.stall(false);
    await expect(dashboard.connection).toHaveText(/^\s*Live/, { timeout: 45_000 });
    await dashboard.moves('price');
  } finally {
    await page.close();
    await wire.close();
  }
});

test.describe('too many streams', () => {
  // The browser logs each refusal.
  test.use({ quiet: false });

  for (const limit of ['--max-streams-per-address', '--max-streams']) {
    test(`by ${limit}: the page shows it, polls, and tries the stream again`, async ({
      page,
      browser,
      serve,
      dashboard,
    }) => {
      const server = await serve('--seed', '7', limit, '1');
      const elsewhere = await browser.newContext();
      const first = new Dashboard(await elsewhere.newPage());
      await first.page.goto(`${server.url}/stocks/GOOG`);
      await first.isLive();
      await page.goto(`${server.url}/stocks/AAPL`);
      await expect(dashboard.connection).toHaveText(/^\s*Too many streams: updates every \d+ s$/, {
        timeout: 45_000,
      });
      await expect(dashboard.connection).toHaveAttribute('title', /as many streams open as it allows/);
      await dashboard.moves('price');
      expect((await streams(server)).open).toBe(1);
      await elsewhere.close();
      await expect(dashboard.connection).toHaveText(/^\s*Live( · \d+ ms)?$/, { timeout: 60_000 });
      await dashboard.moves('price');
    });
  }
});

test('after an hour of sleep nothing is missing', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await serve('--feed', 'none', ...deskArguments);
  const desk = new Desk(server);
  const now = Math.floor(Date.now() / minute) * minute;
  const bars = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, at) => bar('ONE', now + (from + at) * minute, `${500 + from + at}`));
  await desk.publish(quote('ONE', '440', now - 60 * minute - 1), ...bars(-120, -60));
  const wire = await Wire.to(server.address);
  try {
    await page.clock.install({ time: Date.now() - 60 * minute });
    await page.goto(`${wire.url}/stocks/ONE`);
    await dashboard.isLive();
    await expect.poll(() => dashboard.points()).toBeGreaterThanOrEqual(60);
    const before = await dashboard.points();

    // The machine sleeps: nothing arrives, and no time passes for the page.
    wire.stall(true);
    await desk.publish(...bars(-60, -1), quote('ONE', '499', now - 1_000));
    const asked = page.waitForRequest((request) => request.url().includes('/stocks/ONE/bars'));
    await page.clock.fastForward(60 * minute);
    wire.stall(false);
    await asked;
    await dashboard.isLive();
    await expect(dashboard.field('price')).toHaveAttribute('data-value', '499');
    await expect.poll(() => dashboard.points()).toBeGreaterThanOrEqual(before + 59);
    // Its clock was an hour behind and is right now. The delay is not an hour.
    await desk.publish(quote('ONE', '500', Date.now()));
    await expect(dashboard.field('price')).toHaveAttribute('data-value', '500');
    expect(await delay(dashboard)).toBeLessThan(5_000);
    await expect(dashboard.chart.getByRole('application')).toBeVisible();
  } finally {
    await page.close();
    await wire.close();
  }
});

for (const [name, offset] of [
  ['ahead', day],
  ['behind', -day],
] as const) {
  test(`with a clock that is a day ${name} the delay and the ages are right`, async ({
    page,
    serve,
    dashboard,
  }) => {
    await page.addInitScript((offset) => {
      const now = Date.now;
      Date.now = () => now() + offset;
    }, offset);
    const server = await serve('--feed', 'none', ...deskArguments);
    const desk = new Desk(server);
    await desk.publish(quote('ONE', '1'), story('some time ago', ['ONE'], Date.now() - 5.5 * minute));
    await page.goto(`${server.url}/stocks/ONE`);
    await dashboard.isLive();
    await desk.publish(quote('ONE', '2'), story('just now', ['ONE'], Date.now() - 1_000));
    await expect(dashboard.field('price')).toHaveAttribute('data-value', '2');
    expect(await delay(dashboard)).toBeLessThan(2_000);
    const ages = dashboard.stories.getByText(/^(now|\d+ (min|h) ago|.* days? ago)$/);
    await expect(ages).toHaveText(['now', '5 min ago']);
    // Ages are updated every second, by the page's estimate of the server's clock.
    await expect(ages).toHaveText(['now', '6 min ago'], { timeout: 60_000 });
  });
}

test('a hidden tab at 1,000 quotes a second draws nothing, does not grow, and is current in one frame when shown', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await serve('--feed', 'none', ...deskArguments);
  const desk = new Desk(server);
  const symbols = Array.from({ length: 30 }, (_, at) => `SYM${at}`);
  let price = 0;
  const publishAll = async () => {
    price++;
    await desk.publish(...symbols.map((symbol) => quote(symbol, `${price}`)));
  };
  /** Publishes 1,000 quotes a second for a while. */
  const rush = async (seconds: number) => {
    const begin = performance.now();
    for (let round = 0; round < (seconds * 1_000) / symbols.length; round++) {
      await publishAll();
      const ahead = begin + (round * symbols.length) - performance.now();
      if (ahead > 0) await new Promise((resolve) => setTimeout(resolve, ahead));
    }
  };
  await publishAll();
  await page.goto(`${server.url}/stocks/SYM0`);
  await dashboard.isLive();
  await rush(3);
  await setHidden(page, true);
  const session = await page.context().newCDPSession(page);
  const memory = async () => {
    await session.send('HeapProfiler.collectGarbage');
    const usage = (await session.send('Runtime.getHeapUsage')) as unknown as {
      usedSize: number;
      backingStorageSize: number;
    };
    return { script: usage.usedSize, wasm: usage.backingStorageSize };
  };
  await rush(5);
  // Pending drawings are done by now.
  await page.evaluate(() => {
    const counter = { drawn: 0 };
    new MutationObserver((changes) => {
      counter.drawn += changes.length;
    }).observe(document.body, { attributes: true, characterData: true, childList: true, subtree: true });
    Object.assign(window, { counter });
  });
  const before = await memory();
  await rush(30);
  const after = await memory();
  expect(await page.evaluate('window.counter.drawn'), 'changes of a hidden page').toBe(0);
  await expect(page, 'the title of its window goes on').toHaveTitle(/^SYM0 [1-9],\d{3}/);
  expect(after.script - before.script, 'growth of the heap').toBeLessThan(500_000);
  expect(after.wasm - before.wasm, 'growth of the memory').toBeLessThanOrEqual(65_536);

  await publishAll();
  const newest = `${price}`;
  const title = price.toLocaleString('en-US');
  // Quotes that are not drawn are visible only in the title.
  await expect(page).toHaveTitle(new RegExp(`^SYM0 ${title}\\.00`));
  const shown = await page.evaluate(async () => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => false });
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
    await new Promise(requestAnimationFrame);
    const figures = document.querySelectorAll('[data-symbol] [data-field="price"]');
    return [...figures].map((figure) => figure.getAttribute('data-value'));
  });
  expect(shown).toEqual(symbols.map(() => newest));
});
