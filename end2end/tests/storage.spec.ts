import { Dashboard } from '../helpers/dashboard.ts';
import { expect, test } from '../helpers/journey.ts';

const refusals = [
  {
    storage: 'full',
    message: /no room left to remember/,
    refuse: () => {
      Storage.prototype.setItem = () => {
        throw new DOMException('the quota has been exceeded', 'QuotaExceededError');
      };
    },
  },
  {
    storage: 'forbidden',
    message: /does not let the page remember/,
    refuse: () => {
      Object.defineProperty(window, 'localStorage', {
        get: () => {
          throw new DOMException('access is denied for this document', 'SecurityError');
        },
      });
    },
  },
  {
    storage: 'switched off',
    message: /does not let the page remember/,
    refuse: () => Object.defineProperty(window, 'localStorage', { get: () => null }),
  },
];

for (const { storage, message, refuse } of refusals) {
  test(`with storage that is ${storage} the page uses its memory and shows that once`, async ({
    page,
    market,
    dashboard,
  }) => {
    await page.addInitScript(refuse);
    await page.goto(`${market.url}/stocks/GOOG?symbols=AAPL,GOOG,MSFT`);
    await dashboard.isLive();
    // Nothing has been stored yet.
    await expect(dashboard.note(message)).toBeHidden();

    await dashboard.choose('Light');
    await expect(page.locator('html')).toHaveAttribute('data-theme', 'light');
    await expect(dashboard.note(message)).toBeVisible();
    await dashboard.note(message).getByRole('button', { name: 'Dismiss' }).click();
    await expect(dashboard.note(message)).toBeHidden();

    await dashboard.link('MSFT').focus();
    await page.keyboard.press('Delete');
    await expect.poll(async () => await dashboard.symbols()).toEqual(['AAPL', 'GOOG']);
    await expect(dashboard.note(/MSFT was removed/)).toBeVisible();
    await dashboard.choose('Blue and orange');
    // The earlier choice is kept.
    await expect(page.locator('html')).toHaveAttribute('data-theme', 'light');
    await expect(page.locator('html')).toHaveAttribute('data-palette', 'blue-orange');
    await expect(dashboard.note(message)).toBeHidden();
    await dashboard.moves('price');
  });
}

test('unreadable texts in the storage are ignored, and overwritten', async ({
  page,
  market,
  dashboard,
}) => {
  const keys = ['preferences', 'watchlist', 'alerts'];
  await page.addInitScript((keys) => {
    if (sessionStorage.getItem('spoilt')) return;
    sessionStorage.setItem('spoilt', 'yes');
    localStorage.setItem('theme', 'of another page');
    for (const key of keys) localStorage.setItem(`tickertape:${key}`, '\u0000{"version":99');
  }, keys);
  await page.goto(`${market.url}/stocks/GOOG`);
  await dashboard.isLive();
  await expect(dashboard.link('AAPL')).toBeVisible();
  await dashboard.choose('Dark');
  await page.reload();
  await dashboard.isLive();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  expect(await page.evaluate(() => localStorage.getItem('theme'))).toBe('of another page');
});

test('changes in one tab are applied in the others', async ({ page, market, dashboard }) => {
  const other = new Dashboard(await page.context().newPage());
  for (const each of [dashboard, other]) {
    await each.page.goto(`${market.url}/stocks/GOOG`);
    await each.isLive();
  }
  await dashboard.choose('Light');
  await expect(other.page.locator('html')).toHaveAttribute('data-theme', 'light');
  await other.page.getByRole('button', { name: 'Settings' }).click();
  await expect(other.page.getByRole('radio', { name: 'Light' })).toBeChecked();
  await other.page.keyboard.press('Escape');

  await dashboard.link('AAPL').focus();
  await page.keyboard.press('Delete');
  await expect(dashboard.link('AAPL')).toHaveCount(0);
  await expect(other.link('AAPL')).toHaveCount(0);
  await expect(other.page).toHaveURL(/\/stocks\/GOOG\?symbols=/);
  expect(await other.symbols()).toEqual(await dashboard.symbols());

  await page.getByRole('button', { name: 'Alerts' }).click();
  await page.getByLabel('Price', { exact: true }).fill('100000');
  await page.getByRole('button', { name: 'Add alert' }).click();
  await other.page.getByRole('button', { name: 'Alerts' }).click();
  const list = other.page.getByRole('list', { name: 'Your alerts' });
  await expect(list).toContainText('GOOG at 100000 or above');
});
