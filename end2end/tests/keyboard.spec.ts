import type { Page } from '@playwright/test';
import { expect, test } from '../helpers/journey.ts';

/** Presses Tab until the focused element fits. */
async function tabTo(page: Page, fits: (element: Element) => boolean): Promise<void> {
  for (let presses = 0; presses < 120; presses++) {
    await page.keyboard.press('Tab');
    const found = await page.evaluate(
      `(${fits.toString()})(document.activeElement ?? document.body)`,
    );
    if (found) return;
  }
  throw new Error(`120 presses of Tab did not lead there: ${fits}`);
}

test('a symbol is opened with the keyboard alone', async ({ page, market, dashboard }) => {
  await page.goto(`${market.url}/stocks/GOOG`);
  await dashboard.isLive();

  await tabTo(page, (element) => element.getAttribute('data-symbol') === 'AAPL');
  await expect(dashboard.link('AAPL')).toBeFocused();
  // The focus is visible.
  const outline = await dashboard
    .link('AAPL')
    .evaluate((link) => getComputedStyle(link).outlineStyle);
  expect(outline).not.toBe('none');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/stocks\/AAPL/);
  await expect(dashboard.heading).toHaveText(/AAPL/);
});

test('j and k step through the watchlist', async ({ page, market, dashboard }) => {
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

test('arrow keys step through the points of the chart and announce them', async ({
  page,
  market,
  dashboard,
}) => {
  await page.goto(`${market.url}/stocks/GOOG`);
  await dashboard.isLive();
  await dashboard.isDrawn();

  await tabTo(page, (element) => element.getAttribute('aria-label') === 'Chart of GOOG');
  const announced = dashboard.chart.locator('[aria-live="assertive"]');
  await page.keyboard.press('ArrowLeft');
  await expect(announced).toHaveText(/\d/);
  const first = await announced.textContent();
  await page.keyboard.press('ArrowLeft');
  await expect(announced).not.toHaveText(first ?? '');
  await expect(announced).toHaveText(/\d/);
});

test('the help lists working keys, keeps the focus and returns it', async ({
  page,
  market,
  dashboard,
}) => {
  await page.goto(`${market.url}/stocks/GOOG`);
  await dashboard.isLive();
  await dashboard.link('AAPL').focus();
  await page.keyboard.press('?');
  const help = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await expect(help).toBeVisible();
  await expect(help).toContainText('Next symbol in the watchlist');
  await expect(help).toContainText('Go to the news');
  // Each listed key has an element on the page.
  const listed = await help.locator('dl').first().locator('dt:visible').allInnerTexts();
  expect(listed).toContain('j');
  for (const key of listed.filter((key) => key.trim().length === 1)) {
    expect(await page.locator(`[aria-keyshortcuts~="${key.trim()}"]`).count(), key).toBe(1);
  }
  for (let presses = 0; presses < 6; presses++) {
    await page.keyboard.press('Tab');
    const inside = await page.evaluate(
      () => document.activeElement === document.body || !!document.activeElement?.closest('dialog'),
    );
    expect(inside, 'the focus leaves the help').toBe(true);
  }
  // Listed keys do nothing on the page behind it.
  await page.keyboard.press('j');
  await expect(dashboard.heading).toHaveText(/GOOG/);
  await page.keyboard.press('Escape');
  await expect(help).toBeHidden();
  await expect(dashboard.link('AAPL')).toBeFocused();

  await page.getByRole('button', { name: 'Help' }).click();
  await expect(help).toBeVisible();
  await help.getByRole('button', { name: 'Close' }).click();
  await expect(page.getByRole('button', { name: 'Help' })).toBeFocused();
});

test('single keys can be turned off, and stay off', async ({ page, market, dashboard }) => {
  await page.goto(`${market.url}/stocks/GOOG`);
  await dashboard.isLive();
  await page.keyboard.press('n');
  await expect(dashboard.news.getByRole('heading', { name: 'News', exact: true })).toBeFocused();
  await page.keyboard.press('/');
  const search = page.getByRole('combobox', { name: 'Search symbols' });
  await expect(search).toBeFocused();
  // In a field they are characters.
  await page.keyboard.type('jn1?');
  await expect(search).toHaveValue('jn1?');
  await expect(dashboard.heading).toHaveText(/GOOG/);
  await search.fill('');

  await page.getByRole('button', { name: 'Help' }).click();
  await page.getByRole('checkbox', { name: /^Enable single-key shortcuts/ }).uncheck();
  await page.getByRole('button', { name: 'Close' }).click();
  const minutes = dashboard.chart.getByRole('button', { name: '1 minute' });
  for (const reload of [false, true]) {
    if (reload) {
      await page.reload();
      await dashboard.isLive();
    }
    for (const key of ['n', '1', '?', 'j', '/']) await page.keyboard.press(key);
    await expect(dashboard.heading).toHaveText(/GOOG/);
    await expect(minutes).toHaveAttribute('aria-pressed', 'false');
    await expect(page.getByRole('dialog')).toBeHidden();
    await expect(search).not.toBeFocused();
  }
  await page.getByRole('button', { name: 'Help' }).click();
  await page.getByRole('checkbox', { name: /^Enable single-key shortcuts/ }).check();
  await page.keyboard.press('Escape');
  await page.keyboard.press('1');
  await expect(minutes).toHaveAttribute('aria-pressed', 'true');
});
