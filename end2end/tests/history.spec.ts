import { expect, test } from '../helpers/journey.ts';
import { grant, publish, quote } from '../helpers/publish.ts';

test('ranges are chosen by buttons and keys', async ({
  page,
  market,
  dashboard,
}) => {
  await page.goto(`${market.url}/stocks/GOOG`);
  await dashboard.isLive();
  await dashboard.isDrawn();
  const ranges = page.getByRole('group', { name: 'Range' });
  const pressed = ranges.getByRole('button', { pressed: true });
  await expect(pressed).toHaveText('1D');
  const day = await dashboard.points();

  await ranges.getByRole('button', { name: '15 minutes' }).click();
  await expect(pressed).toHaveText('15m');
  await expect.poll(async () => await dashboard.points()).toBeLessThan(day);
  await page.keyboard.press('5');
  await expect(pressed).toHaveText('1D');
  await expect.poll(async () => await dashboard.points()).toBeGreaterThanOrEqual(day);
});

test('a week shows bars that are older than those of the page', async ({
  page,
  market,
  dashboard,
}) => {
  // Adds a week of quarter-hour bars before the server's own.
  const quarter = 15 * 60_000;
  await page.route('**/bars?interval=15m*', async (route) => {
    const response = await route.fetch();
    const answer = (await response.json()) as { bars: { start: number }[] };
    const [first] = answer.bars as [{ start: number }];
    const older = Array.from({ length: 600 }, (_, n) => ({
      ...first,
      start: first.start - (600 - n) * quarter,
    }));
    await route.fulfill({ response, json: { ...answer, bars: [...older, ...answer.bars] } });
  });
  await page.goto(`${market.url}/stocks/GOOG`);
  await dashboard.isLive();
  await dashboard.isDrawn();
  const day = await dashboard.points();
  await page.keyboard.press('6');
  await expect.poll(async () => await dashboard.points()).toBeGreaterThan(day + 500);
  const week = await dashboard.points();
  // Fetched bars are shown at once, and are not fetched again.
  await page.keyboard.press('5');
  await expect.poll(async () => await dashboard.points()).toBeLessThan(week - 400);
  await page.keyboard.press('6');
  await expect.poll(async () => await dashboard.points()).toBeGreaterThanOrEqual(week);
  expect(await dashboard.points()).toBeLessThan(week + 100);
});

test('scrolling back loads bars before the range', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await serve('--feed', 'none', '--publish-token', grant);
  const now = Math.floor(Date.now() / 60_000) * 60_000;
  const prices = { open: '175', high: '176', low: '174', close: '175.20' };
  const bars = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, n) => {
      const data = { symbol: 'GOOG', start: now - (2_000 - from - n) * 60_000, ...prices };
      return { event: 'bar', data: { ...data, volume: '100', trades: 1 } };
    });
  await publish(server, quote('GOOG', '175.20'), ...bars(0, 900));
  await publish(server, ...bars(900, 1_800));
  await publish(server, ...bars(1_800, 2_000));
  const asked: string[] = [];
  page.on('request', (request) => {
    if (request.url().includes('&to=')) asked.push(request.url());
  });
  await page.goto(`${server.url}/stocks/GOOG`);
  await dashboard.isLive();
  await dashboard.isDrawn();
  await expect.poll(async () => await dashboard.points()).toBeGreaterThan(1_400);
  expect(await dashboard.points()).toBeLessThan(1_500);
  expect(asked).toEqual([]);

  await dashboard.chart.getByRole('application').focus();
  const pointsFurtherOff = async () => {
    await page.keyboard.press('-');
    return await dashboard.points();
  };
  await expect.poll(pointsFurtherOff).toBeGreaterThan(1_990);
  expect(asked, 'what is there once is not fetched again').toHaveLength(1);
});

test('the chart opens as a standalone image', async ({ page, market }) => {
  const response = await page.goto(`${market.url}/stocks/GOOG/chart.svg?range=1h&theme=light`);
  expect(response?.headers()['content-type']).toContain('image/svg+xml');
  const chart = page.getByRole('img', { name: /GOOG Alphabet.*1 hour/ });
  await expect(chart).toBeVisible();
  await expect(chart.locator('path').first()).toBeAttached();
});
