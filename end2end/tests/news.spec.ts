import type { Page } from '@playwright/test';
import type { Dashboard } from '../helpers/dashboard.ts';
import { expect, test } from '../helpers/journey.ts';
import { grant, publish, quote } from '../helpers/publish.ts';
import type { Server } from '../helpers/server.ts';

test('the news are filtered by type and words, the address is shared, and the filter is cleared', async ({
  page,
  market,
  dashboard,
}) => {
  await page.goto(`${market.url}/stocks/GOOG`);
  await dashboard.isLive();
  const type = dashboard.news.getByRole('combobox', { name: 'Type of news' });
  const words = dashboard.news.getByRole('searchbox', { name: 'Search headlines' });
  const outcome = dashboard.news.getByText(/^\d+ of \d+ stories$/);
  const clear = dashboard.news.getByRole('button', { name: 'Clear' });
  const all = await dashboard.stories.count();
  await expect(outcome).toBeHidden();
  await expect(clear).toBeHidden();

  // Records announcements, since the next headline may replace one at once.
  await page.evaluate(() => {
    const announced: string[] = [];
    Object.assign(window, { announced });
    for (const status of document.querySelectorAll('[role=status]')) {
      const note = () => announced.push(status.textContent ?? '');
      new MutationObserver(note).observe(status, {
        characterData: true,
        childList: true,
        subtree: true,
      });
    }
  });
  const asked = page.waitForResponse((response) => response.url().includes('/news?type=rating'));
  await type.selectOption({ label: 'rating' });
  await asked;
  await expect(outcome).toBeVisible();
  await expect(dashboard.news.getByText('Loading older stories')).toBeHidden();
  await expect(dashboard.stories.filter({ hasNotText: /^rating/i })).toHaveCount(0);
  const ratings = await dashboard.stories.count();
  expect(ratings).toBeGreaterThan(0);
  await expect(outcome).toHaveText(new RegExp(`^${ratings} of \\d+ stories$`));
  await expect(page).toHaveURL(/[?&]type=rating\b/);
  // Screen readers announce it.
  const announced = async () =>
    await page.evaluate(() => (window as unknown as { announced: string[] }).announced);
  await expect.poll(announced).toContainEqual(expect.stringMatching(/^\d+ of \d+ stories$/));

  // The filter stays with another symbol, and is part of a shared address.
  await dashboard.link('AAPL').click();
  await expect(dashboard.heading).toHaveText(/AAPL/);
  await expect(page).toHaveURL(/\/stocks\/AAPL\?type=rating$/);
  await page.reload();
  await dashboard.isLive();
  await expect(type).toHaveValue('rating');
  await expect(outcome).toBeVisible();

  await words.fill('no story has this');
  await expect(dashboard.stories).toHaveCount(0);
  await expect(dashboard.news.getByText('No stories match these filters.')).toBeVisible();
  await dashboard.news.getByRole('button', { name: 'Show all news' }).click();
  await expect(type).toHaveValue('');
  await expect(words).toHaveValue('');
  expect(await dashboard.stories.count()).toBeGreaterThanOrEqual(all);
  await expect(page).toHaveURL(/\/stocks\/AAPL$/);
  await words.fill('the of');
  await clear.click();
  await expect(outcome).toBeHidden();
});

test('the news of the open symbol follow the open symbol', async ({
  page,
  market,
  dashboard,
}) => {
  await page.goto(`${market.url}/stocks/AAPL?of=open`);
  await dashboard.isLive();
  for (const symbol of ['AAPL', 'GOOG']) {
    await dashboard.link(symbol).click();
    await expect(dashboard.heading).toHaveText(new RegExp(symbol));
    // Earlier stories are gone at once, and all are of the open symbol.
    await expect(dashboard.stories.filter({ hasNotText: symbol })).toHaveCount(0);
    expect(await dashboard.stories.count()).toBeGreaterThan(0);
  }
});

test('an invalid filter is reported, and hides nothing', async ({ page, market, dashboard }) => {
  await page.goto(`${market.url}/stocks/GOOG?type=gossip`);
  await dashboard.isLive();
  await expect(dashboard.news).toContainText('“gossip” is not a news type, so all are shown');
  expect(await dashboard.stories.count()).toBeGreaterThan(0);
});

/** A story of GOOG to publish. */
function story(id: string, headline: string, more: object = {}): object {
  const data = {
    id: `journey:${id}`,
    type: 'headline',
    basis: 'native',
    symbols: ['GOOG'],
    headline,
    source: 'Journey',
    published: Date.now() - 1_000,
    url: `https://news.example/${id}`,
    ...more,
  };
  return { event: 'news', data };
}

/**
 * A separate market, with GOOG's page filtered by stories about zeppelins, of which there are none
 * yet.
 */
async function zeppelins(
  page: Page,
  serve: (...args: string[]) => Promise<Server>,
  dashboard: Dashboard,
): Promise<Server> {
  const server = await serve('--seed', '7', '--publish-token', grant);
  await page.goto(`${server.url}/stocks/GOOG?q=zeppelin`);
  await dashboard.isLive();
  return server;
}

test('only stories that pass the filter wait behind the button', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await zeppelins(page, serve, dashboard);
  await publish(server, story('z1', 'A zeppelin rises'));
  await expect(dashboard.stories).toHaveCount(1);
  await dashboard.stories.first().getByRole('link', { name: 'GOOG' }).focus();
  await publish(
    server,
    story('z2', 'A zeppelin lands'),
    story('b1', 'A balloon rises'),
    story('z3', 'A zeppelin rises again'),
  );
  const waiting = dashboard.news.getByRole('button', { name: /^\d+ new$/ });
  await expect(waiting).toHaveText('2 new');
  await expect(dashboard.stories).toHaveCount(1);
  await waiting.click();
  await expect(dashboard.stories).toHaveCount(3);
});

test('words are found in any script, in any case and across punctuation', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await zeppelins(page, serve, dashboard);
  const words = dashboard.news.getByRole('searchbox', { name: 'Search headlines' });
  await publish(
    server,
    story('w1', 'Zeppelin: ÜBERNAHME der “Ναῦς ΟΔΥΣΣΕΥΣ” – 2nd try'),
    story('w2', 'Zeppelin: 東京、株価 опять растёт'),
  );
  await expect(dashboard.stories).toHaveCount(2);
  for (const [typed, found] of [
    ['übernahme', 'w1'],
    ['οδυσσευς 2ND', 'w1'],
    ['株価', 'w2'],
    ['ОПЯТЬ', 'w2'],
    ['übernahme опять', null],
  ] as const) {
    await words.fill(`zeppelin ${typed}`);
    await expect(dashboard.stories).toHaveCount(found ? 1 : 0);
    if (found) {
      const link = dashboard.stories.getByRole('heading').getByRole('link');
      await expect(link).toHaveAttribute('href', `https://news.example/${found}`);
    }
  }
});

test('a corrected story shows since when, and a withdrawn one is struck out', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await zeppelins(page, serve, dashboard);
  await publish(server, story('z', 'A zeppelin rises'));
  const one = dashboard.stories.first();
  await expect(one).toContainText('A zeppelin rises');
  await publish(server, story('z', 'A zeppelin stays down'));
  await expect(one).toContainText('A zeppelin stays down');
  await expect(one).toContainText(/corrected at \d\d:\d\d:\d\d/);
  await publish(server, story('z', 'A zeppelin stays down', { action: 'deleted' }));
  await expect(one).toContainText(/withdrawn at \d\d:\d\d:\d\d/);
  const struck = await one
    .getByRole('heading')
    .evaluate((heading) => getComputedStyle(heading).textDecorationLine);
  expect(struck).toBe('line-through');
});

test('the exact time of a story is shown on hover and focus', async ({
  page,
  serve,
  dashboard,
}) => {
  // No other story may take its place under the pointer.
  const server = await serve('--feed', 'none', '--publish-token', grant);
  await publish(server, quote('GOOG', '175.20'), story('one', 'Story number 1'));
  await page.goto(`${server.url}/stocks/GOOG`);
  await dashboard.isLive();
  const one = dashboard.stories.first();
  const time = one.getByRole('time');
  const shown = () => time.evaluate((time) => getComputedStyle(time, '::after').content);
  await dashboard.chart.hover();
  await expect.poll(shown).toBe('none');
  await time.hover();
  await expect.poll(shown).toMatch(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/);
  await dashboard.chart.hover();
  await expect.poll(shown).toBe('none');
  await one.getByRole('heading').getByRole('link').focus();
  await expect.poll(shown).toMatch(/\d\d:\d\d:\d\d UTC/);
});

/** A server with GOOG, and a zeppelin's story older than more others than a page loads. */
async function buried(serve: (...args: string[]) => Promise<Server>): Promise<Server> {
  const server = await serve('--feed', 'none', '--publish-token', grant);
  const others = Array.from({ length: 120 }, (_, at) => story(`${at}`, `Balloon number ${at}`));
  await publish(
    server,
    quote('GOOG', '175.20'),
    story('z', 'A zeppelin rises', { type: 'merger' }),
    ...others,
  );
  return server;
}

test('a filter finds stories older than those that the page has', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await buried(serve);
  await page.goto(`${server.url}/stocks/GOOG`);
  await dashboard.isLive();
  await expect(dashboard.stories.filter({ hasText: 'zeppelin' })).toHaveCount(0);
  const words = dashboard.news.getByRole('searchbox', { name: 'Search headlines' });
  await words.pressSequentially('zeppel');
  await expect(dashboard.stories).toHaveText(/A zeppelin rises/);
  await words.fill('');
  const type = dashboard.news.getByRole('combobox', { name: 'Type of news' });
  await type.selectOption({ label: 'merger' });
  await expect(dashboard.stories).toHaveText(/A zeppelin rises/);
  // A new story is on top.
  await publish(server, story('z2', 'A zeppelin lands', { type: 'merger' }));
  await expect(dashboard.stories).toHaveText([/A zeppelin lands/, /A zeppelin rises/]);
  // A shared address shows the same, drawn by the server and then updated live.
  await page.reload();
  await dashboard.isLive();
  await expect(dashboard.stories).toHaveText([/A zeppelin lands/, /A zeppelin rises/]);
  await publish(server, story('z3', 'A zeppelin is sold', { type: 'merger' }));
  await expect(dashboard.stories).toHaveCount(3);
});

test.describe('without JavaScript', () => {
  // The browser logs that it fetched a script that it may not run.
  test.use({ javaScriptEnabled: false, quiet: false });

  test('the filter is a form that the server answers', async ({ page, serve, dashboard }) => {
    const server = await buried(serve);
    await publish(server, quote('AAPL', '226.80'));
    await page.goto(`${server.url}/stocks/GOOG?symbols=GOOG,AAPL`);
    await dashboard.news.getByRole('searchbox', { name: 'Search headlines' }).fill('zeppelin');
    await dashboard.news.getByRole('button', { name: 'Show', exact: true }).click();
    await expect(dashboard.stories).toHaveText(/A zeppelin rises/);
    // The address still has the same watchlist.
    expect(await dashboard.symbols()).toEqual(['GOOG', 'AAPL']);
    await dashboard.news.getByRole('searchbox', { name: 'Search headlines' }).fill('');
    await dashboard.news
      .getByRole('combobox', { name: 'Type of news' })
      .selectOption({ label: 'merger' });
    await dashboard.news.getByRole('button', { name: 'Show', exact: true }).click();
    await expect(dashboard.stories).toHaveText(/A zeppelin rises/);
  });
});

test('the news do not move while the pointer is on them', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await serve('--feed', 'none', '--publish-token', grant);
  await publish(server, quote('GOOG', '175.20'), story('1', 'The first'), story('2', 'The second'));
  await page.goto(`${server.url}/stocks/GOOG`);
  await dashboard.isLive();
  const first = dashboard.stories.filter({ hasText: 'The first' });
  await first.hover();
  const before = await first.boundingBox();
  await publish(server, story('3', 'The third'));
  const waiting = dashboard.news.getByRole('button', { name: /^\d+ new$/ });
  await expect(waiting).toHaveText('1 new');
  expect(await first.boundingBox()).toEqual(before);
  // The pointer moves to the button, which stays, and a click shows the waiting stories.
  await waiting.click();
  await expect(dashboard.stories).toHaveCount(3);
  await publish(server, story('4', 'The fourth'));
  await expect(waiting).toHaveText('1 new');
  // Once the pointer leaves, new stories are shown.
  await dashboard.chart.hover();
  await expect(dashboard.stories).toHaveCount(4);
  await expect(waiting).toBeHidden();
});

test.describe('older stories', () => {
  // One request is refused.
  test.use({ quiet: false });

  test('are loaded by a button, which shows errors and tries again', async ({
    page,
    serve,
    dashboard,
  }) => {
    const server = await serve('--feed', 'none', '--publish-token', grant);
    const headlines = Array.from({ length: 60 }, (_, at) => `Story number ${at}`);
    const stories = headlines.map((headline, at) => story(`${at}`, headline));
    await publish(server, quote('GOOG', '175.20'), ...stories);
    await page.goto(`${server.url}/stocks/GOOG`);
    await dashboard.isLive();
    const before = await dashboard.stories.count();
    expect(before).toBeLessThan(60);

    await page.route('**/news?*', (route) => route.fulfill({ status: 503 }), { times: 1 });
    await dashboard.news.getByRole('button', { name: 'Older stories' }).click();
    await expect(dashboard.news.getByText('Older stories could not be loaded')).toContainText('503');
    await expect(dashboard.stories).toHaveCount(before);

    await dashboard.news.getByRole('button', { name: 'Try again' }).click();
    await expect.poll(async () => await dashboard.stories.count()).toBeGreaterThan(before);
    const older = dashboard.news.getByRole('button', { name: 'Older stories' });
    await expect(older).toBeFocused();
    while ((await older.getAttribute('aria-disabled')) !== 'true') {
      await older.click();
      await expect(dashboard.news.getByText('Loading older stories')).toBeHidden();
    }
    await expect(dashboard.news.getByText('There are no older stories.')).toBeVisible();
    const shown = await dashboard.stories.getByRole('heading').allInnerTexts();
    expect(shown).toEqual(headlines.reverse());
  });
});
