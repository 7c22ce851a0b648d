import { expect, test } from '../helpers/journey.ts';

test('choosing a symbol changes the address and never reloads', async ({
  page,
  market,
  dashboard,
}) => {
  await page.goto(`${market.url}/stocks/GOOG`);
  await dashboard.isLive();
  const goog = await dashboard.isDrawn();
  await page.evaluate(() => Object.assign(window, { marker: 'still here' }));

  await dashboard.link('AAPL').click();
  await expect(page).toHaveURL(/\/stocks\/AAPL/);
  await expect(dashboard.heading).toHaveText(/AAPL\s*Apple/);
  await expect(page).toHaveTitle(/AAPL/);
  await expect(dashboard.link('AAPL')).toHaveAttribute('aria-current', 'page');
  await expect(dashboard.link('GOOG')).not.toHaveAttribute('aria-current');
  await dashboard.redraws(goog);
  await dashboard.isDrawn();
  await dashboard.isLive();
  await dashboard.moves('price');
  // The header and the watchlist show one and the same quote.
  await expect
    .poll(
      async () =>
        (await dashboard.value('price')) ===
        (await dashboard.value('price', dashboard.link('AAPL'))),
    )
    .toBe(true);

  await page.goBack();
  await expect(page).toHaveURL(/\/stocks\/GOOG/);
  await expect(dashboard.heading).toHaveText(/GOOG\s*Alphabet/);
  await dashboard.isDrawn();
  await dashboard.moves('price');

  await page.goForward();
  await expect(dashboard.heading).toHaveText(/AAPL\s*Apple/);
  expect(await page.evaluate('window.marker')).toBe('still here');
});

test('an address with symbols of its own shows those, and its links keep them', async ({
  page,
  market,
  dashboard,
}) => {
  await page.goto(`${market.url}/stocks?symbols=MSFT,AAPL`);
  await dashboard.isLive();
  await expect(dashboard.watchlist.getByRole('link')).toHaveCount(2);
  await dashboard.link('AAPL').click();
  await expect(dashboard.heading).toHaveText(/AAPL/);
  await expect(dashboard.watchlist.getByRole('link')).toHaveCount(2);
  await page.reload();
  await expect(dashboard.heading).toHaveText(/AAPL/);
  await expect(dashboard.watchlist.getByRole('link')).toHaveCount(2);
});

test.describe('an unknown symbol', () => {
  // The browser itself notes that the address answered 404.
  test.use({ quiet: false });

  test('is answered with a sentence and with symbols that exist', async ({
    page,
    market,
    dashboard,
    console: messages,
  }) => {
    const response = await page.goto(`${market.url}/stocks/GOOGX`);
    expect(response?.status()).toBe(404);
    const main = page.getByRole('main');
    await expect(main).toContainText('GOOGX');
    const suggestion = main.getByRole('link', { name: /\bGOOG\b/ }).first();
    await expect(suggestion).toBeVisible();
    await suggestion.click();
    await expect(page).toHaveURL(/\/stocks\/GOOG\b/);
    await expect(dashboard.heading).toHaveText(/GOOG\s*Alphabet/);
    await dashboard.isLive();
    await dashboard.moves('price');
    expect(messages.filter((message) => !message.includes('404'))).toEqual([]);
  });

  test('that is no symbol at all is answered too', async ({ page, market }) => {
    const response = await page.goto(`${market.url}/stocks/%3Cscript%3E`);
    expect([400, 404]).toContain(response?.status());
    await expect(page.getByRole('main')).toContainText(/\w+ \w+/);
  });
});
