import type { Page } from '@playwright/test';
import { expect, test } from '../helpers/journey.ts';

/** Presses Tab until what has the focus fits, as somebody without a mouse does. */
async function tabTo(page: Page, fits: (element: Element) => boolean): Promise<void> {
  for (let presses = 0; presses < 80; presses++) {
    await page.keyboard.press('Tab');
    const found = await page.evaluate(
      `(${fits.toString()})(document.activeElement ?? document.body)`,
    );
    if (found) return;
  }
  throw new Error(`80 presses of Tab did not lead there: ${fits}`);
}

test('somebody opens a symbol with the keyboard alone', async ({ page, market, dashboard }) => {
  await page.goto(`${market.url}/stocks/GOOG`);
  await dashboard.isLive();

  await tabTo(page, (element) => element.getAttribute('data-symbol') === 'AAPL');
  await expect(dashboard.link('AAPL')).toBeFocused();
  // The focus can be seen.
  const outline = await dashboard
    .link('AAPL')
    .evaluate((link) => getComputedStyle(link).outlineStyle);
  expect(outline).not.toBe('none');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/stocks\/AAPL/);
  await expect(dashboard.heading).toHaveText(/AAPL/);
});

test('j and k walk the watchlist', async ({ page, market, dashboard }) => {
  await page.goto(`${market.url}/stocks?symbols=AAPL,GOOG,MSFT`);
  await dashboard.isLive();
  const open = async () =>
    await dashboard.watchlist.locator('[aria-current="page"]').getAttribute('data-symbol');
  await dashboard.link('GOOG').click();
  await expect.poll(open).toBe('GOOG');
  await page.keyboard.press('j');
  await expect.poll(open).toBe('MSFT');
  await expect(dashboard.heading).toHaveText(/MSFT/);
  await page.keyboard.press('k');
  await page.keyboard.press('k');
  await expect.poll(open).toBe('AAPL');
  await expect(dashboard.heading).toHaveText(/AAPL/);
});

test('the arrow keys walk the points of the chart and say them', async ({
  page,
  market,
  dashboard,
}) => {
  await page.goto(`${market.url}/stocks/GOOG`);
  await dashboard.isLive();
  await dashboard.isDrawn();

  await tabTo(page, (element) => element.getAttribute('aria-label') === 'Chart of GOOG');
  const said = dashboard.chart.locator('[aria-live="assertive"]');
  await page.keyboard.press('ArrowLeft');
  await expect(said).toHaveText(/\d/);
  const first = await said.textContent();
  await page.keyboard.press('ArrowLeft');
  await expect(said).not.toHaveText(first ?? '');
  await expect(said).toHaveText(/\d/);
});
