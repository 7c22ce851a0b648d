import { expect, test } from '../helpers/journey.ts';

test('somebody watches the chart and the quote move', async ({ page, market, dashboard }) => {
  await page.goto(`${market.url}/stocks/GOOG`);
  await dashboard.isLive();

  const before = await dashboard.isDrawn();
  await dashboard.moves('price');
  await dashboard.redraws(before);
  await dashboard.moves('bid');
  await dashboard.moves('volume');

  // What is shown is what is on the wire, and the change follows from it.
  const price = Number(await dashboard.value('price'));
  expect(price).toBeGreaterThan(0);
  expect(Number(await dashboard.value('high'))).toBeGreaterThanOrEqual(
    Number(await dashboard.value('low')),
  );
});

test('the chart says in words what it shows', async ({ page, market, dashboard }) => {
  await page.goto(`${market.url}/stocks/GOOG`);
  await dashboard.isLive();
  await dashboard.isDrawn();
  await expect(dashboard.chart).toContainText(/\d/);
  const words = await dashboard.chart.innerText();
  await expect(dashboard.chart).not.toHaveText(words, { useInnerText: true });
});

test('the watchlist moves, and not only for the open symbol', async ({ page, market, dashboard }) => {
  await page.goto(`${market.url}/stocks/GOOG`);
  await dashboard.isLive();
  await dashboard.moves('price', dashboard.link('AAPL'));
  await dashboard.moves('price', dashboard.link('MSFT'));
});

test('a new story comes to the list, and leads to where it can be read', async ({
  page,
  market,
  dashboard,
}) => {
  test.slow();
  await page.goto(`${market.url}/stocks/GOOG`);
  await dashboard.isLive();
  const before = await dashboard.news.innerText();
  const first = await dashboard.stories.first().innerText();
  await expect
    .poll(async () => (await dashboard.stories.first().innerText()) !== first, { timeout: 90_000 })
    .toBe(true);
  expect(await dashboard.news.innerText()).not.toBe(before);

  const link = dashboard.news.getByRole('link').first();
  await expect(link).toHaveAttribute('href', /^https?:\/\/\S+$/);
  await expect(link).toHaveAttribute('rel', /\bnoopener\b/);
  await expect(link).toHaveAttribute('target', '_blank');
});
