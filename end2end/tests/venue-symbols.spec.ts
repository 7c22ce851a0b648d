import { expect, test } from '../helpers/journey.ts';
import { grant, publish, quote, session } from '../helpers/publish.ts';

const symbols = [
  'ABR$D',
  'ACHR+',
  'M&M.NS',
  'BRK/A',
  'BTC/USDT',
  'ES=F',
  '^GSPC',
  'BAC-A#',
  'T%*',
  'ZVZZT~',
  '币安人生USDT',
];

const address = (symbol: string): string => `/stocks/${encodeURIComponent(symbol)}`;

test('symbols in the notation of venues open, reload and stay in the list', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await serve('--feed', 'none', '--publish-token', grant);
  const events = symbols.flatMap((symbol, place) => [
    session(symbol, `Number ${place}`, '1.00'),
    quote(symbol, `${place + 1}.25`),
  ]);
  await publish(server, ...events);
  const list = symbols.map(encodeURIComponent).join(',');
  await page.goto(`${server.url}/stocks?symbols=${list}`);
  await dashboard.isLive();
  await expect(dashboard.watchlist.getByRole('link')).toHaveCount(symbols.length);

  for (const [place, symbol] of symbols.entries()) {
    await dashboard.link(symbol).click();
    await expect(dashboard.heading).toContainText(symbol);
    await expect(dashboard.field('price')).toHaveText(`${place + 1}.25`);
    await expect(page).toHaveTitle(new RegExp(symbol.replace(/[^\p{L}\d]/gu, '\\$&')));
    const { pathname } = new URL(page.url());
    expect(decodeURIComponent(pathname)).toBe(`/stocks/${symbol}`);
    expect(pathname.split('/')).toHaveLength(3);
  }

  // Going back, and reloading the same address.
  await page.goBack();
  await expect(dashboard.heading).toContainText('ZVZZT~');
  await page.goto(`${server.url}${address('BRK/A')}?symbols=${list}`);
  await page.reload();
  await dashboard.isLive();
  await expect(dashboard.heading).toContainText('BRK/A');
  await expect(dashboard.watchlist.getByRole('link')).toHaveCount(symbols.length);

  // The open symbol is live at its address.
  await publish(server, quote('BRK/A', '99.75'));
  await expect(dashboard.field('price')).toHaveText('99.75');
});

test('a symbol with punctuation is found by the search', async ({ page, serve, dashboard }) => {
  const server = await serve('--feed', 'none', '--publish-token', grant);
  await publish(server, quote('ACHR', '9.00'), quote('ACHR+', '2.50'), quote('BRK/A', '7.00'));
  await page.goto(`${server.url}${address('BRK/A')}`);
  await dashboard.isLive();
  const search = page.getByRole('combobox', { name: 'Search symbols' });
  await search.fill('achr+');
  await expect(page.getByRole('option').first()).toContainText('ACHR+');
  await search.press('Enter');
  await expect(dashboard.heading).toContainText('ACHR+');
  await expect(dashboard.field('price')).toHaveText('2.50');
  await expect(page).toHaveURL(/\/stocks\/ACHR%2B/);
});
