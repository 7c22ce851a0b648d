import { Dashboard } from '../helpers/dashboard.ts';
import { expect, test } from '../helpers/journey.ts';
import { grant, publish, quote, story } from '../helpers/publish.ts';

test('published events reach each open page', async ({
  page,
  browser,
  serve,
  dashboard,
}) => {
  const server = await serve('--feed', 'none', '--publish-token', grant);
  const elsewhere = await browser.newContext();
  const other = new Dashboard(await elsewhere.newPage());
  const dashboards = [dashboard, other];

  // No symbol is known yet, and the pages wait for one.
  await page.goto(server.url);
  await other.page.goto(server.url);
  for (const each of dashboards) {
    await each.isLive();
    await expect(each.watchlist.getByRole('link')).toHaveCount(0);
  }

  await publish(server, quote('NEWCO', '12.50'));
  for (const each of dashboards) {
    await expect(each.field('price', each.link('NEWCO'))).toHaveAttribute('data-value', '12.50');
  }

  // A symbol without a name still shows its price.
  await dashboard.link('NEWCO').click();
  await expect(dashboard.heading).toHaveText(/^\s*NEWCO\s*$/);
  await expect(dashboard.field('price')).toHaveText('12.50');
  await other.page.goto(`${server.url}/stocks/NEWCO`);
  await other.isLive();
  await expect(other.field('price')).toHaveText('12.50');

  await publish(server, quote('NEWCO', '12.75'), {
    event: 'session',
    data: {
      symbol: 'NEWCO',
      name: 'New Company',
      currency: 'USD',
      source: 'Journey',
      quality: 'delayed',
      state: 'open',
      prev_close: '12.00',
    },
  });
  for (const each of dashboards) {
    await expect(each.field('price')).toHaveText('12.75');
    await expect(each.heading).toHaveText(/NEWCO\s*New Company/);
    await expect(each.quote).toContainText('Delayed');
  }
  await elsewhere.close();
});

test('a published story is shown once, and its correction replaces it', async ({
  page,
  browser,
  serve,
  dashboard,
}) => {
  const server = await serve('--feed', 'none', '--publish-token', grant);
  await publish(server, quote('NEWCO', '12.50'));
  const elsewhere = await browser.newContext();
  const other = new Dashboard(await elsewhere.newPage());
  const dashboards = [dashboard, other];
  await page.goto(`${server.url}/stocks/NEWCO`);
  await other.page.goto(server.url);
  for (const each of dashboards) await each.isLive();

  const first = story('NEWCO builds a factory');
  expect(await publish(server, first)).toMatchObject({ count: 1, unchanged: 0 });
  for (const each of dashboards) {
    const link = each.stories.getByRole('link', { name: 'NEWCO builds a factory' });
    await expect(link).toHaveAttribute('href', 'https://news.example/newco');
  }
  expect(await publish(server, first)).toMatchObject({ count: 0, unchanged: 1 });

  await publish(server, story('NEWCO builds two factories'));
  for (const each of dashboards) {
    await expect(each.stories).toHaveCount(1);
    await expect(each.stories).toContainText('NEWCO builds two factories');
    await expect(each.stories).toContainText('corrected');
  }
  await elsewhere.close();
});
