import type { Page } from '@playwright/test';
import { expect, test } from '../helpers/journey.ts';
import { grant, publish, quote } from '../helpers/publish.ts';

/** A session of GOOG to publish, live and open by default. */
function session(more: object): object {
  const data = {
    symbol: 'GOOG',
    name: 'Alphabet Inc.',
    currency: 'USD',
    source: 'Journey',
    quality: 'live',
    state: 'open',
    prev_close: '175',
    ...more,
  };
  return { event: 'session', data };
}

const states = [
  { name: 'Delayed', session: { quality: 'delayed' }, meaning: /some minutes late/ },
  { name: 'Simulated', session: { quality: 'simulated' }, meaning: /Simulated by this server/ },
  { name: 'Replay', session: { quality: 'replay' }, meaning: /Recorded data, not live/ },
  { name: 'Closed', session: { state: 'closed' }, meaning: /that of the last session/ },
  { name: 'Pre-market', session: { state: 'pre' }, meaning: /has not begun/ },
  { name: 'After hours', session: { state: 'post' }, meaning: /is over/ },
  {
    name: 'Halted T1',
    session: { state: 'halted', halt_code: 'T1' },
    meaning: /news pending/,
  },
  {
    name: 'Halted LUDP',
    session: { state: 'halted', halt_code: 'LUDP' },
    meaning: /Volatility trading pause/,
  },
];

test('marks of a price are beside it, live and after a reload, with their meaning', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await serve('--feed', 'none', '--publish-token', grant);
  await publish(server, session({}), quote('GOOG', '175.20'));
  await page.goto(`${server.url}/stocks/GOOG`);
  await dashboard.isLive();
  const marks = dashboard.quote.getByRole('button');
  await expect(marks).toHaveCount(0);
  for (const { name, session: change, meaning } of states) {
    await publish(server, session(change));
    const mark = marks.filter({ hasText: name });
    await expect(mark, name).toBeVisible();
    await expect(marks, name).toHaveCount(1);
    const sentence = dashboard.quote.getByRole('tooltip');
    await expect(sentence, name).toBeHidden();
    await mark.focus();
    await expect(sentence, name).toHaveText(meaning);
    await expect(mark, name).toHaveAccessibleDescription(meaning);
    // The tooltip can be dismissed, and the focus stays.
    await page.keyboard.press('Escape');
    await expect(sentence, name).toBeHidden();
    await expect(mark, name).toBeFocused();
    await mark.blur();
    await mark.hover();
    await expect(sentence, name).toBeVisible();
    await dashboard.chart.hover();
  }
  // A page that is opened afterwards shows the same.
  await page.reload();
  await expect(marks).toHaveText(['Halted LUDP']);
  await publish(server, session({}));
  await expect(marks).toHaveCount(0);
});

test('the top bar marks data as delayed only if all of it is', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await serve('--feed', 'none', '--publish-token', grant);
  const delayed = { quality: 'delayed' };
  await publish(server, session(delayed), quote('GOOG', '175.20'));
  await page.goto(`${server.url}/stocks/GOOG`);
  await dashboard.isLive();
  const bar = page.getByRole('banner');
  await expect(bar).toContainText('Delayed data');
  await publish(server, session({ symbol: 'AAPL' }), quote('AAPL', '226.80'));
  await expect(bar).not.toContainText('Delayed');
  // The delayed price is still marked.
  await expect(dashboard.quote.getByRole('button', { name: 'Delayed' })).toBeVisible();
});

test('the age of a price is that of its last trade, not of the best prices or the connection', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await serve('--feed', 'none', '--publish-token', grant);
  const traded = Date.now() - 3_600_000 - 10_000;
  const at = (bid: string) => {
    const data = { symbol: 'GOOG', time: Date.now(), traded, price: '175.20', volume: '100', bid };
    return { event: 'quote', data };
  };
  await publish(server, session({ state: 'post' }), at('175.10'));
  await page.goto(`${server.url}/stocks/GOOG`);
  await expect(dashboard.quote).toContainText('last trade 1 h ago');
  await dashboard.isLive();
  await publish(server, at('175.11'));
  await expect(dashboard.field('bid')).toHaveText('175.11');
  await expect(dashboard.quote).toContainText('last trade 1 h ago');
  await publish(server, quote('GOOG', '175.30'));
  await expect(dashboard.field('price')).toHaveText('175.30');
  await expect(dashboard.quote).not.toContainText('last trade');
});

test.describe('a connection that breaks off', () => {
  // The browser logs each attempt.
  test.use({ quiet: false });

  test('does not make an hour-old price younger', async ({ page, serve, dashboard }) => {
    const server = await serve('--feed', 'none', '--publish-token', grant);
    const traded = Date.now() - 3_600_000 - 10_000;
    const data = { symbol: 'GOOG', time: Date.now(), traded, price: '175.20', volume: '100' };
    await publish(server, session({ state: 'post' }), { event: 'quote', data });
    await page.goto(`${server.url}/stocks/GOOG`);
    await dashboard.isLive();
    await server.kill();
    await expect(dashboard.connection).toHaveText(/^\s*Reconnecting/);
    await expect(dashboard.quote).toContainText('1 h old');
  });
});

test('the hours of the session are beside the name', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await serve('--feed', 'none', '--publish-token', grant);
  const hour = 3_600_000;
  const [open, close] = [Date.now() - hour, Date.now() + hour];
  const clock = (time: number) => new Date(time).toISOString().slice(11, 16);
  await publish(server, session({ hours: { open, close } }), quote('GOOG', '175.20'));
  await page.goto(`${server.url}/stocks/GOOG`);
  await dashboard.isLive();
  const hours = dashboard.quote.getByText(/New York|UTC/).filter({ visible: true });
  await expect(hours).toHaveText(`Open ${clock(open)}–${clock(close)} UTC`);

  const monday = Date.UTC(2100, 0, 4, 14, 30);
  const next = { open: monday, close: monday + 6.5 * hour };
  await publish(server, session({ state: 'closed', hours: next }));
  await expect(hours).toHaveText('Opens Mon 14:30 UTC');
  await dashboard.choose('New York');
  await expect(hours).toHaveText('Opens Mon 09:30 New York');

  await publish(server, session({}));
  await expect(hours).toHaveCount(0);
});

test.describe('an unknown symbol', () => {
  // The browser logs that the address answered 404.
  test.use({ quiet: false });

  test('is named, with suggestions that are near it', async ({ page, market }) => {
    const response = await page.goto(`${market.url}/stocks/MSFTT`);
    expect(response?.status()).toBe(404);
    const problem = page.getByRole('region', { name: 'Problem' });
    await expect(problem.getByRole('heading')).toHaveText('MSFTT isn’t available here');
    await expect(problem).toContainText('Did you mean MSFT');
    await expect(problem.getByRole('link', { name: 'MSFT', exact: true })).toBeVisible();
  });
});

test('the reason of a failed feed is shown', async ({ page, serve, dashboard }) => {
  const server = await serve('--feed', 'replay:/no/such/recording');
  await page.goto(server.url);
  await dashboard.isLive();
  const problem = page.getByRole('region', { name: 'Problem' });
  await expect(problem.getByRole('heading')).toHaveText('No prices yet');
  await expect(problem).toContainText(/Replay of recording failed: \/no\/such\/recording: No such file/);
  await expect(page.getByRole('banner')).toContainText('Replay of recording failed');
});

test('a feed that broke off is named beside the data of another', async ({
  page,
  serve,
  dashboard,
}) => {
  // Nothing listens on this port.
  const server = await serve('--feed', 'simulate', '--feed', 'coinbase:BTC-USD?url=ws://127.0.0.1:9');
  await page.goto(`${server.url}/stocks/GOOG`);
  await dashboard.isLive();
  const trouble = page.getByRole('banner').getByText('Coinbase tries again');
  await expect(trouble).toBeVisible();
  await expect(trouble).toHaveAttribute('title', /\w+ \w+/);
  await dashboard.moves('price');
});

/**
 * Checks that the page is readable, explains why it does not follow the market, and has a link that
 * reloads it.
 */
async function readsOn(page: Page, why: RegExp): Promise<void> {
  await expect(page.getByText(why)).toBeVisible();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(/GOOG\s*Alphabet/);
  await expect(page.getByRole('link', { name: 'Load again' })).toBeVisible();
  await expect(page.getByRole('group', { name: 'Connection' })).not.toContainText('Live');
  await page.getByRole('link', { name: 'Load again' }).click();
  await expect(page.getByText(why)).toBeVisible();
  await expect(page).toHaveURL(/\/stocks\/GOOG$/);
}

test.describe('where a part of the browser is missing', () => {
  // Failures are also logged to the console.
  test.use({ quiet: false });

  test('no WebAssembly', async ({ page, market }) => {
    await page.addInitScript('delete window.WebAssembly');
    await page.goto(`${market.url}/stocks/GOOG`);
    await readsOn(page, /This browser has no WebAssembly, so the page cannot follow the market/);
  });

  test('WebAssembly that does not load', async ({ page, market }) => {
    await page.route('**/*.wasm', (route) => route.fulfill({ status: 404 }));
    await page.goto(`${market.url}/stocks/GOOG`);
    await readsOn(page, /A part of the page did not load, so the page cannot follow the market/);
  });

  test('no EventSource: the page polls, and shows it', async ({ page, market, dashboard }) => {
    await page.addInitScript('delete window.EventSource');
    await page.goto(`${market.url}/stocks/GOOG`);
    await expect(dashboard.connection).toHaveText('Live (polling)', { timeout: 30_000 });
    await dashboard.moves('price');
  });
});

test.describe('without JavaScript', () => {
  // The browser logs that it fetched a script that it may not run.
  test.use({ javaScriptEnabled: false, quiet: false });

  test('the page is readable and can be reloaded', async ({ page, market }) => {
    await page.goto(`${market.url}/stocks/GOOG`);
    await readsOn(page, /Without JavaScript the page cannot follow the market/);
  });
});
