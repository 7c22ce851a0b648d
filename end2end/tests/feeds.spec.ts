import type { Server } from '../helpers/server.ts';
import { BinanceServer } from '../helpers/binance.ts';
import type { Dashboard } from '../helpers/dashboard.ts';
import { expect, test } from '../helpers/journey.ts';
import {
  binanceFile,
  binanceFramesOfNow,
  binanceLast,
  coinbaseFile,
  coinbaseLast,
  haveRecordings,
  noRecordings,
} from '../helpers/recordings.ts';

test.skip(!haveRecordings, noRecordings);

async function showsTheLastOf(dashboard: Dashboard, server: Server): Promise<void> {
  await expect(dashboard.heading).toHaveText(/BTCUSDT/);
  const last = binanceLast();
  for (const [name, value] of Object.entries(last)) {
    await expect(dashboard.field(name), name).toHaveAttribute('data-value', value, {
      timeout: 40_000,
    });
  }
  // There is a bar for each of its minutes.
  await dashboard.isDrawn(5);
  // The page and the API have the same values.
  const answer = await fetch(`${server.url}/stocks/BTCUSDT`, {
    headers: { accept: 'application/json' },
  });
  expect(await answer.json()).toMatchObject({
    symbol: 'BTCUSDT',
    price: last.price,
    bid: last.bid,
    bid_size: last['bid-size'],
    ask: last.ask,
    ask_size: last['ask-size'],
  });
}

test('a page follows Binance to the last trade of the recording', async ({
  page,
  serve,
  dashboard,
}) => {
  const frames = binanceFramesOfNow();
  const binance = await BinanceServer.start(frames);
  try {
    const server = await serve('--feed', `binance:BTCUSDT?url=${binance.url}`);
    await page.goto(`${server.url}/stocks/BTCUSDT`);
    await dashboard.isLive();
    await showsTheLastOf(dashboard, server);
    expect(binance.done).toBe(true);
    expect(binance.subscriptions).toHaveLength(1);
    expect([...binance.subscriptions[0]!].sort()).toEqual([
      'btcusdt@bookTicker',
      'btcusdt@miniTicker',
      'btcusdt@trade',
    ]);
    await expect.poll(() => binance.pongs).toBeGreaterThan(0);
  } finally {
    await binance.close();
  }
});

test('Binance closes the connection in the middle, and the feed reconnects', async ({
  page,
  serve,
  dashboard,
}) => {
  const frames = binanceFramesOfNow();
  const binance = await BinanceServer.start(frames, Math.floor(frames.length / 2));
  try {
    const server = await serve('--feed', `binance:BTCUSDT?url=${binance.url}`);
    await page.goto(`${server.url}/stocks/BTCUSDT`);
    await showsTheLastOf(dashboard, server);
    expect(binance.subscriptions).toHaveLength(2);
    expect(binance.subscriptions[1]).toEqual(binance.subscriptions[0]);
  } finally {
    await binance.close();
  }
});

test('a page follows the replay of the Binance recording to its end', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await serve('--feed', `replay:${binanceFile}?speed=max`);
  await page.goto(`${server.url}/stocks/BTCUSDT`);
  await showsTheLastOf(dashboard, server);
  await expect(page.getByRole('banner')).toContainText('Replay');
});

test('a page follows the replay of the Coinbase recording to its end', async ({
  page,
  serve,
  dashboard,
}) => {
  const last = coinbaseLast();
  expect(last.size).toBe(10);
  const server = await serve('--feed', `replay:${coinbaseFile}?speed=max`);
  await page.goto(`${server.url}/stocks?symbols=${[...last.keys()].join(',')}`);
  await dashboard.isLive();
  await expect(dashboard.watchlist.getByRole('link')).toHaveCount(10);
  for (const [symbol, price] of last) {
    await expect(dashboard.field('price', dashboard.link(symbol)), symbol).toHaveAttribute(
      'data-value',
      price,
      { timeout: 40_000 },
    );
  }
});
