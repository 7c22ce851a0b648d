import { expect, test } from '../helpers/journey.ts';

test('the chart and the quote move', async ({ page, market, dashboard }) => {
  await page.goto(`${market.url}/stocks/GOOG`);
  await dashboard.isLive();

  const before = await dashboard.isDrawn();
  await dashboard.moves('price');
  await dashboard.redraws(before);
  await dashboard.moves('bid');
  await dashboard.moves('volume');

  // The page shows the values of the API, and the change follows from them.
  const price = Number(await dashboard.value('price'));
  expect(price).toBeGreaterThan(0);
  expect(Number(await dashboard.value('high'))).toBeGreaterThanOrEqual(
    Number(await dashboard.value('low')),
  );
});

test('the chart has a summary in words', async ({ page, market, dashboard }) => {
  await page.goto(`${market.url}/stocks/GOOG`);
  await dashboard.isLive();
  await dashboard.isDrawn();
  await expect(dashboard.chart).toContainText(/\d/);
  const words = dashboard.chart.locator('figcaption');
  await expect(words).toHaveText(/\d+ points from \d/);
  const before = await words.textContent();
  await expect(words).not.toHaveText(before ?? '', { timeout: 130_000 });
});

test('all rows of the watchlist move', async ({ page, market, dashboard }) => {
  await page.goto(`${market.url}/stocks/GOOG`);
  await dashboard.isLive();
  await dashboard.moves('price', dashboard.link('AAPL'));
  await dashboard.moves('price', dashboard.link('MSFT'));
});

test('a new story appears in the list with its link', async ({
  page,
  market,
  dashboard,
}) => {
  await page.goto(`${market.url}/stocks/GOOG`);
  await dashboard.isLive();
  const first = await dashboard.stories.first().getByRole('heading').innerText();
  await expect(dashboard.stories.first().getByRole('heading')).not.toHaveText(first, {
    timeout: 60_000,
  });
  // The former first story is still there, further down.
  await expect(dashboard.news.getByRole('heading', { name: first }).first()).toBeAttached();
  // Screen readers announce it.
  await expect(page.getByRole('status').filter({ hasText: /\d+ new headlines?/ })).toHaveCount(1, { timeout: 60_000 });

  const link = dashboard.stories.first().getByRole('heading').getByRole('link');
  await expect(link).toHaveAttribute('href', /^https?:\/\/\S+$/);
  await expect(link).toHaveAttribute('rel', /\bnoopener\b/);
  await expect(link).toHaveAttribute('target', '_blank');
});

test('the news does not move while it is read', async ({ page, market, dashboard }) => {
  await page.goto(`${market.url}/stocks/GOOG`);
  await dashboard.isLive();
  const headings = dashboard.news.getByRole('article').getByRole('heading');
  await headings.first().getByRole('link').focus();
  const before = await headings.allInnerTexts();

  const waiting = dashboard.news.getByRole('button', { name: /^\d+ new$/ });
  await expect(waiting).toBeVisible({ timeout: 60_000 });
  expect(await headings.allInnerTexts()).toEqual(before);
  await waiting.click();
  await expect(headings.first()).not.toHaveText(before[0]!);
  await expect(waiting).toBeHidden();
});
