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
  // The header and the watchlist show the same quote.
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

test('going back leads to the previous symbol, however often the open one was clicked', async ({
  page,
  market,
  dashboard,
}) => {
  await page.goto(`${market.url}/stocks/GOOG`);
  await dashboard.isLive();
  await dashboard.link('AAPL').click();
  await expect(dashboard.heading).toHaveText(/AAPL/);
  for (let i = 0; i < 3; i++) await dashboard.link('AAPL').click();
  await page.goBack();
  await expect(dashboard.heading).toHaveText(/GOOG/);
});

test('the chart is that of the open symbol, however late and out of order bars arrive', async ({
  page,
  market,
  dashboard,
}) => {
  const delays = [1500, 100, 800];
  await page.route('**/bars?*', async (route) => {
    await new Promise((resolve) => setTimeout(resolve, delays.shift() ?? 0));
    await route.continue();
  });
  await page.goto(`${market.url}/stocks/GOOG`);
  await dashboard.isLive();
  const answers = ['AAPL', 'LLY', 'BAC'].map((symbol) =>
    page.waitForResponse((response) => response.url().includes(`/stocks/${symbol}/bars`)),
  );
  for (const symbol of ['AAPL', 'LLY', 'BAC', 'LLY']) await dashboard.link(symbol).click();
  await Promise.all(answers);
  await expect(dashboard.heading).toHaveText(/LLY/);
  await dashboard.isDrawn(100);

  const response = await page.request.get(`${market.url}/stocks/LLY/bars`);
  const { bars } = (await response.json()) as { bars: { low: string; high: string }[] };
  const words = (await dashboard.chart.locator('figcaption').textContent()) ?? '';
  const [, low, high] = /low ([\d.]+), high ([\d.]+)/.exec(words) ?? [];
  const price = Number(await dashboard.value('price'));
  const lows = bars.map(({ low }) => Number(low));
  const highs = bars.map(({ high }) => Number(high));
  // Prices are within the bars, or newer than the last bar.
  expect(Number(low)).toBeGreaterThanOrEqual(Math.min(...lows, price) * 0.99);
  expect(Number(high)).toBeLessThanOrEqual(Math.max(...highs, price) * 1.01);
});

test('an address with a watchlist shows it, and links keep it', async ({
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
  // The browser logs that the address answered 404.
  test.use({ quiet: false });

  test('is answered with symbols that are near it', async ({
    page,
    market,
    dashboard,
    console: messages,
  }) => {
    const response = await page.goto(`${market.url}/stocks/GOOGX`);
    expect(response?.status()).toBe(404);
    const main = page.getByRole('main');
    await expect(main.getByRole('heading', { level: 1 })).toHaveText(
      'GOOGX isn’t available here',
    );
    await expect(main).toContainText('Did you mean GOOG');
    const suggestion = main.getByRole('link', { name: /\bGOOG\b/ }).first();
    await expect(suggestion).toBeVisible();
    await suggestion.click();
    await expect(page).toHaveURL(/\/stocks\/GOOG\b/);
    await expect(dashboard.heading).toHaveText(/GOOG\s*Alphabet/);
    await dashboard.isLive();
    await dashboard.moves('price');
    expect(messages.filter((message) => !message.includes('404'))).toEqual([]);
  });

  for (const javaScriptEnabled of [true, false]) {
    test.describe(javaScriptEnabled ? 'with JavaScript' : 'without JavaScript', () => {
      test.use({ javaScriptEnabled });

      test('that is near to none has no suggestions', async ({ page, market }) => {
        const response = await page.goto(`${market.url}/stocks/XQZJW`);
        expect(response?.status()).toBe(404);
        const problem = page.getByRole('region', { name: 'Problem' });
        await expect(problem).toHaveText(/^\s*XQZJW isn’t available here\s*$/);
        await expect(problem.getByRole('link')).toHaveCount(0);
        const answer = await page.request.get(`${market.url}/stocks/XQZJW`, {
          headers: { accept: 'application/json' },
        });
        expect(answer.status()).toBe(404);
        expect(await answer.json()).not.toHaveProperty('suggestions');
      });
    });
  }

  test('that is not a symbol at all is answered, too', async ({ page, market }) => {
    const response = await page.goto(`${market.url}/stocks/%3Cscript%3E`);
    expect([400, 404]).toContain(response?.status());
    await expect(page.getByRole('main')).toContainText(/\w+ \w+/);
  });
});
