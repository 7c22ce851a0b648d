import { expect, test } from '../helpers/journey.ts';

test('a typed name suggests symbols, and one is opened with the keyboard', async ({
  page,
  market,
  dashboard,
}) => {
  await page.goto(`${market.url}/stocks/GOOG`);
  await dashboard.isLive();
  await page.evaluate(() => Object.assign(window, { marker: 'still here' }));
  const search = page.getByRole('combobox', { name: 'Search symbols' });
  const suggestions = page.getByRole('listbox', { name: 'Suggestions' });
  await expect(suggestions).toBeHidden();

  await page.keyboard.press('/');
  await expect(search).toBeFocused();
  await page.keyboard.type('appl');
  await expect(suggestions.getByRole('option').first()).toHaveText(/AAPL\s+Apple/);
  await expect(search).toHaveAttribute('aria-expanded', 'true');
  await page.keyboard.press('ArrowDown');
  const active = await search.getAttribute('aria-activedescendant');
  await expect(page.locator(`#${active}`)).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('Enter');

  await expect(page).toHaveURL(/\/stocks\/AAPL/);
  await expect(dashboard.heading).toHaveText(/AAPL\s*Apple/);
  await expect(suggestions).toBeHidden();
  await expect(search).toHaveValue('');
  expect(await page.evaluate('window.marker')).toBe('still here');
});

test('a suggestion can be clicked, and Escape closes the suggestions', async ({
  page,
  market,
  dashboard,
}) => {
  await page.goto(`${market.url}/stocks/GOOG`);
  await dashboard.isLive();
  const search = page.getByRole('combobox', { name: 'Search symbols' });
  const options = page.getByRole('listbox', { name: 'Suggestions' }).getByRole('option');
  await search.fill('micro');
  await expect(options.first()).toBeVisible();
  await search.press('Escape');
  await expect(options.first()).toBeHidden();
  await search.fill('');
  await search.fill('msft');
  await options.filter({ hasText: 'MSFT' }).click();
  await expect(dashboard.heading).toHaveText(/MSFT/);
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('the search opens a symbol', async ({ page, market, dashboard }) => {
    await page.goto(`${market.url}/stocks/GOOG`);
    await page.getByRole('combobox', { name: 'Search symbols' }).fill('aapl');
    await page.keyboard.press('Enter');
    await expect(dashboard.heading).toHaveText(/AAPL\s*Apple/);
  });
});
