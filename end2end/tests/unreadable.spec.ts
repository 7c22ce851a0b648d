import type { Page } from '@playwright/test';
import { expect, test } from '../helpers/journey.ts';
import { grant, publish, quote, session, story } from '../helpers/publish.ts';
import type { Server } from '../helpers/server.ts';

// What is left out, and what stops a page, is logged to the console.
test.use({ quiet: false });

/** An integer that a browser parses inexactly, so the page does not accept it. */
const TOO_LARGE = '1152921504606846976';

const hour = 3_600_000;

/** A server with two symbols, stories and bars. */
async function market(serve: (...args: string[]) => Promise<Server>): Promise<Server> {
  const server = await serve('--feed', 'none', '--publish-token', grant);
  const start = Math.floor(Date.now() / 60_000) * 60_000 - 10 * 60_000;
  const bars = Array.from({ length: 5 }, (_, at) => ({
    event: 'bar',
    data: {
      symbol: 'NEWCO',
      start: start + at * 60_000,
      ...{ open: '12', high: '13', low: '11', close: '12', volume: '100', trades: 7000 + at },
    },
  }));
  const hours = { open: Date.now() - hour, close: Date.now() + hour };
  const { data } = session('NEWCO', 'New Company', '12') as { data: object };
  await publish(
    server,
    { event: 'session', data: { ...data, hours } },
    quote('NEWCO', '12.50'),
    session('OLDCO', 'Old Company', '7'),
    quote('OLDCO', '7.00'),
    ...bars,
    story('The first story', { id: 'journey:1' }),
    story('The second story', { id: 'journey:2' }),
    story('The third story', { id: 'journey:3' }),
  );
  return server;
}

/** Changes the data of pages, but not what is drawn. */
async function tamper(page: Page, change: (data: string) => string): Promise<void> {
  await page.route('**/stocks/*', async (route) => {
    if (route.request().resourceType() !== 'document') return await route.continue();
    const response = await route.fetch();
    const html = await response.text();
    const carried = /(<script type="application\/json" id="page-data">)(.*?)(<\/script>)/s;
    expect(html).toMatch(carried);
    await route.fulfill({
      response,
      body: html.replace(carried, (_, before: string, data: string, after: string) => {
        const changed = change(data);
        expect(changed, 'the data is changed').not.toBe(data);
        return before + changed + after;
      }),
    });
  });
}

const damages: [string, (data: string) => string][] = [
  ['a session', (data) => data.replace(/"close":\d{13}/, `"close":${TOO_LARGE}`)],
  ['a quote', (data) => data.replace(/("symbol":"OLDCO","time":)\d+/, `$1${TOO_LARGE}`)],
  ['the open quote', (data) => data.replace(/("symbol":"NEWCO","time":)\d+/, `$1${TOO_LARGE}`)],
  ['a bar', (data) => data.replace('"trades":7002', '"trades":9223372036854775807')],
  [
    'a story',
    (data) => data.replace(/("headline":"The second story".*?"published":)\d+/, `$1${TOO_LARGE}`),
  ],
  ['a closing price', (data) => data.replace(/"prices":\["12"/, '"prices":["twelve"')],
];

for (const [what, change] of damages) {
  test(`${what} that the browser cannot read is left out and counted, and the page is live`, async ({
    page,
    serve,
    dashboard,
    console: messages,
  }) => {
    const server = await market(serve);
    await tamper(page, change);
    await page.goto(`${server.url}/stocks/NEWCO`);
    await dashboard.isLive();
    await expect(page.getByRole('banner')).toContainText('1 unreadable');
    await publish(
      server,
      quote('NEWCO', '12.75'),
      quote('OLDCO', '7.25'),
      story('The fourth story', { id: 'journey:4' }),
    );
    await expect(dashboard.field('price')).toHaveText('12.75');
    await expect(dashboard.field('price', dashboard.link('OLDCO'))).toHaveText('7.25');
    const others = ['The fourth story', 'The third story', 'The first story'];
    if (what !== 'a story') others.splice(2, 0, 'The second story');
    await expect(dashboard.stories.getByRole('heading')).toHaveText(others);
    await dashboard.isDrawn(3);
    await expect(page.getByText('This page has stopped')).toBeHidden();
    expect(messages.filter((message) => !message.includes('left out'))).toEqual([]);
  });
}

let injected = 0;

/** Injects an event into the page's stream, as the newest, that the server would never send. */
async function inject(page: Page, name: string, data: string): Promise<void> {
  await page.evaluate(
    ([name, data, lastEventId]) => {
      const { streams } = window as unknown as { streams: EventSource[] };
      streams.at(-1)!.dispatchEvent(new MessageEvent(name!, { data, lastEventId }));
    },
    [name, data, `${Date.now()}-${injected++}`],
  );
}

test('an event that the browser cannot read is left out and counted, and the next one is taken', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await market(serve);
  await page.addInitScript(() => {
    const streams: EventSource[] = [];
    Object.assign(window, { streams });
    window.EventSource = class extends EventSource {
      constructor(url: string | URL, init?: EventSourceInit) {
        super(url, init);
        streams.push(this);
      }
    };
  });
  await page.goto(`${server.url}/stocks/NEWCO`);
  await dashboard.isLive();
  const time = Date.now();
  const bad = [
    ['message', `{"symbol":"NEWCO","time":${TOO_LARGE},"price":"1"}`],
    ['message', '{"symbol":"NEWCO","time":1,"price":"dear"}'],
    ['bar', `{"symbol":"NEWCO","start":60000,"open":"1","high":"1","low":"1","close":"1","volume":"1","trades":${TOO_LARGE}}`],
    ['session', '{"symbol":"NEWCO","name":"N","source":"x","quality":"heard","state":"open"}'],
    ['news', '{"id":1}'],
    ['news', 'no JSON'],
  ] as const;
  for (const [name, data] of bad) await inject(page, name, data);
  await expect(page.getByRole('banner')).toContainText(`${bad.length} unreadable`);
  // Everything else of a snapshot is taken.
  const snapshot = {
    ...{ time, reset: false, sessions: [], closes: [], news: [], feeds: [] },
    quotes: [
      { symbol: 'NEWCO', time: -1, price: '13.00' },
      { symbol: 'OLDCO', time, price: '8.00' },
    ],
  };
  await inject(page, 'snapshot', JSON.stringify(snapshot));
  await expect(dashboard.field('price', dashboard.link('OLDCO'))).toHaveText('8.00');
  await expect(page.getByRole('banner')).toContainText(`${bad.length + 1} unreadable`);
  await publish(server, quote('NEWCO', '12.75'));
  await expect(dashboard.field('price')).toHaveText('12.75');
  await dashboard.isLive();
});

test('of an answer with bars everything readable is taken', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await market(serve);
  let changed = 0;
  await page.route('**/bars?*', async (route) => {
    const response = await route.fetch();
    const text = await response.text();
    const bad = text.replace('"trades":7001', `"trades":${TOO_LARGE}`);
    if (bad !== text) changed++;
    await route.fulfill({ response, body: bad });
  });
  await page.goto(`${server.url}/stocks/OLDCO`);
  await dashboard.isLive();
  await dashboard.link('NEWCO').click();
  await expect.poll(() => changed).toBeGreaterThan(0);
  await expect.poll(async () => await dashboard.points()).toBeGreaterThanOrEqual(4);
  await expect(page.getByRole('banner')).toContainText('unreadable');
});

test('a page whose data cannot be read at all shows that it has stopped, and can be reloaded', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await market(serve);
  await tamper(page, (data) => data.slice(0, data.length / 2));
  await page.goto(`${server.url}/stocks/NEWCO`);
  const notice = page.getByRole('alert').filter({ hasText: 'This page has stopped' });
  await expect(notice).toBeVisible();
  await expect(dashboard.connection).toHaveText('Stopped');
  // The server's drawing is still readable.
  await expect(dashboard.field('price')).toHaveText('12.50');
  await page.unroute('**/stocks/*');
  await notice.getByRole('button', { name: 'Reload' }).click();
  await dashboard.isLive();
  await expect(notice).toBeHidden();
});

test('a page that panics shows that, and is not shown as live', async ({ page, serve, dashboard }) => {
  const server = await market(serve);
  await page.route('**/stocks/*', async (route) => {
    if (route.request().resourceType() !== 'document') return await route.continue();
    const response = await route.fetch();
    const html = await response.text();
    // The framework does not find the nodes to hydrate.
    await route.fulfill({ response, body: html.replaceAll('<!>', '') });
  });
  await page.goto(`${server.url}/stocks/NEWCO`);
  await expect(page.getByText('This page has stopped')).toBeVisible();
  await expect(dashboard.connection).toHaveText('Stopped');
  await expect(page).toHaveTitle(/^Stopped/);
});

test('a program that ends without a panic is shown the same way', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await market(serve);
  await page.goto(`${server.url}/stocks/NEWCO`);
  await dashboard.isLive();
  // As when its memory is exhausted.
  await page.evaluate(() => {
    setTimeout(() => {
      throw new WebAssembly.RuntimeError('unreachable');
    });
  });
  await expect(page.getByText('This page has stopped')).toBeVisible();
  // It may continue in part, and is not shown as live again.
  await publish(server, quote('NEWCO', '12.75'));
  await expect(dashboard.connection).toHaveText('Stopped');
});

test('a page that does not draw events is not shown as live', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await market(serve);
  await page.addInitScript(() => {
    const native = window.setTimeout.bind(window);
    const held: (() => void)[] = [];
    Object.assign(window, { held, holds: false });
    // The timers by which the page draws, of at most a tenth of a second.
    window.setTimeout = ((run: () => void, wait = 0, ...more: unknown[]) => {
      const { holds } = window as unknown as { holds: boolean };
      if (holds && wait <= 100) return held.push(run);
      return native(run, wait, ...more);
    }) as typeof window.setTimeout;
  });
  await page.goto(`${server.url}/stocks/NEWCO`);
  await dashboard.isLive();
  await page.evaluate('window.holds = true');
  await publish(server, quote('NEWCO', '12.75'));
  await expect(dashboard.connection).toHaveText(/^Not drawn since \d\d:\d\d:\d\d$/);
  await expect(dashboard.connection).toHaveAttribute('data-state', 'stale');
  await expect(dashboard.field('price')).toHaveText('12.50');
  await page.evaluate('window.holds = false; window.held.forEach((run) => run())');
  await expect(dashboard.field('price')).toHaveText('12.75');
  await dashboard.isLive();
});
