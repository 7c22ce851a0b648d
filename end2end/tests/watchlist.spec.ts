import type { Page } from '@playwright/test';
import { isAccessible } from '../helpers/axe.ts';
import { Dashboard } from '../helpers/dashboard.ts';
import { expect, test } from '../helpers/journey.ts';
import { grant, publish, quote, session } from '../helpers/publish.ts';

/** Opens the field that adds symbols, and returns it. */
async function openField(page: Page) {
  await page.getByRole('button', { name: '+ Add' }).click();
  const field = page.getByRole('combobox', { name: 'Add a symbol' });
  await expect(field).toBeFocused();
  return field;
}

/** The announcements for screen readers. */
function announcement(page: Page, text: string | RegExp) {
  return page.getByRole('status').filter({ hasText: text });
}

async function shows(dashboard: Dashboard, symbols: string[]): Promise<void> {
  await expect.poll(async () => await dashboard.symbols()).toEqual(symbols);
  const names = symbols.join(',');
  await expect(dashboard.page).toHaveURL((url) => url.searchParams.get('symbols') === names);
}

test('a symbol is added by its name, is live at once, and is kept over a reload', async ({
  page,
  market,
  dashboard,
}) => {
  await page.goto(`${market.url}/stocks/GOOG?symbols=GOOG,AAPL`);
  await dashboard.isLive();
  await page.evaluate(() => Object.assign(window, { marker: 'still here' }));
  const field = await openField(page);
  await field.pressSequentially('microso');
  await expect(page.getByRole('option', { name: /MSFT Microsoft/ })).toBeVisible();
  await page.keyboard.press('Enter');

  await shows(dashboard, ['GOOG', 'AAPL', 'MSFT']);
  await expect(announcement(page, 'MSFT was added')).toBeAttached();
  const row = dashboard.link('MSFT');
  await expect(row).toContainText('Microsoft');
  await dashboard.moves('price', row);
  // Its sparkline is drawn, too.
  await expect
    .poll(async () => (await row.locator('.sparkline path').getAttribute('d'))?.length ?? 0)
    .toBeGreaterThan(20);
  // The field stays open for more symbols, and Escape closes it.
  await expect(field).toBeFocused();
  await expect(field).toHaveValue('');
  await page.keyboard.press('Escape');
  await expect(field).toBeHidden();
  await expect(page.getByRole('button', { name: '+ Add' })).toBeFocused();
  // The open symbol stays open, and other symbols are still followed.
  await expect(dashboard.heading).toHaveText(/GOOG/);
  await dashboard.moves('price', dashboard.link('AAPL'));
  expect(await page.evaluate('window.marker')).toBe('still here');
  await row.click();
  await expect(dashboard.heading).toHaveText(/MSFT/);
  await dashboard.isDrawn();

  await page.reload();
  await dashboard.isLive();
  expect(await dashboard.symbols()).toEqual(['GOOG', 'AAPL', 'MSFT']);
  // At an address without a list the stored list is shown.
  await page.goto(market.url);
  await shows(dashboard, ['GOOG', 'AAPL', 'MSFT']);
});

test('a symbol that no feed quotes is not added, and the page explains that', async ({
  page,
  market,
  dashboard,
}) => {
  await page.goto(`${market.url}/stocks/GOOG?symbols=GOOG,AAPL`);
  await dashboard.isLive();
  const field = await openField(page);
  const complaint = dashboard.watchlist.getByRole('alert');
  for (const [text, reason] of [
    ['ZZZZZZ', 'ZZZZZZ was not added: no feed of this server quotes it.'],
    ['a & b', '“a & b” matches no symbol and no name'],
    ['AAPL', 'AAPL is in the watchlist already.'],
  ] as const) {
    const answer = page.waitForResponse((response) => response.url().includes('/symbols?'));
    await field.fill(text);
    await answer;
    await page.keyboard.press('Enter');
    await expect(complaint).toContainText(reason);
    // The input is kept.
    await expect(field).toHaveValue(text);
  }
  expect(await dashboard.symbols()).toEqual(['GOOG', 'AAPL']);
  await field.pressSequentially('X');
  await expect(complaint).toBeEmpty();
});

test('a symbol is removed, and undo restores it in its place', async ({ page, market, dashboard }) => {
  await page.goto(`${market.url}/stocks/GOOG?symbols=AAPL,GOOG,MSFT`);
  await dashboard.isLive();
  const remove = dashboard.watchlist.getByRole('button', { name: 'Remove GOOG' });
  await expect(remove).toBeHidden();
  await dashboard.link('GOOG').hover();
  await remove.click();
  await shows(dashboard, ['AAPL', 'MSFT']);
  // The open symbol stays open.
  await expect(dashboard.heading).toHaveText(/GOOG/);
  await dashboard.moves('price');
  await page.reload();
  await dashboard.isLive();
  expect(await dashboard.symbols()).toEqual(['AAPL', 'MSFT']);
  await expect(dashboard.heading).toHaveText(/GOOG/);

  // The same with the keyboard alone, from the row to its button.
  await dashboard.link('AAPL').focus();
  await page.keyboard.press('Tab');
  await expect(dashboard.watchlist.getByRole('button', { name: 'Remove AAPL' })).toBeFocused();
  await page.keyboard.press('Enter');
  await shows(dashboard, ['MSFT']);
  await expect(dashboard.link('MSFT')).toBeFocused();
  const note = dashboard.note('AAPL was removed from the watchlist.');
  await note.getByRole('button', { name: 'Undo' }).click();
  await shows(dashboard, ['AAPL', 'MSFT']);
  await expect(note).toBeHidden();
  await expect(dashboard.link('AAPL')).toBeFocused();

  await page.keyboard.press('Delete');
  await page.keyboard.press('Delete');
  await expect(dashboard.watchlist).toContainText('The watchlist is empty.');
  await expect(page).toHaveURL(`${market.url}/stocks/GOOG`);
  await page.reload();
  await expect(dashboard.watchlist).toContainText('The watchlist is empty.');
  await dashboard.isLive();
});

test('rows are sorted by keys, by buttons and by dragging', async ({ page, market, dashboard }) => {
  await page.goto(`${market.url}/stocks/GOOG?symbols=AAPL,GOOG,MSFT`);
  await dashboard.isLive();
  await dashboard.link('MSFT').focus();
  await page.keyboard.press('Alt+ArrowUp');
  await shows(dashboard, ['AAPL', 'MSFT', 'GOOG']);
  await expect(announcement(page, 'MSFT is number 2 of 3 now.')).toBeAttached();
  await expect(dashboard.link('MSFT')).toBeFocused();
  await page.keyboard.press('Alt+ArrowUp');
  await shows(dashboard, ['MSFT', 'AAPL', 'GOOG']);
  await expect(dashboard.link('MSFT')).toBeFocused();
  // There is no place before the first.
  await page.keyboard.press('Alt+ArrowUp');
  await page.keyboard.press('Alt+ArrowDown');
  await shows(dashboard, ['AAPL', 'MSFT', 'GOOG']);

  const down = dashboard.watchlist.getByRole('button', { name: 'Move AAPL down' });
  await expect(down).toBeHidden();
  await dashboard.watchlist.getByRole('button', { name: 'Edit' }).click();
  await down.focus();
  await page.keyboard.press('Enter');
  await shows(dashboard, ['MSFT', 'AAPL', 'GOOG']);
  await expect(down).toBeFocused();
  await dashboard.watchlist.getByRole('button', { name: 'Move GOOG up' }).click();
  await shows(dashboard, ['MSFT', 'GOOG', 'AAPL']);
  await dashboard.watchlist.getByRole('button', { name: 'Edit' }).click();
  await expect(down).toBeHidden();

  const grip = async (symbol: string) => {
    const box = (await dashboard.link(symbol).boundingBox())!;
    return { x: box.x + box.width / 3, y: box.y + box.height / 2 };
  };
  const [from, to] = [await grip('AAPL'), await grip('MSFT')];
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(to.x, to.y, { steps: 8 });
  await page.mouse.up();
  await shows(dashboard, ['AAPL', 'MSFT', 'GOOG']);
  // Releasing the pointer is not a click on the row.
  await expect(dashboard.heading).toHaveText(/GOOG/);
  await dashboard.link('AAPL').click();
  await expect(dashboard.heading).toHaveText(/AAPL/);
});

test('the list of an address takes precedence over the stored one, and is shown as shared', async ({
  page,
  market,
  dashboard,
}) => {
  await page.goto(`${market.url}/stocks/GOOG?symbols=AAPL,GOOG,MSFT`);
  await dashboard.isLive();
  await dashboard.link('MSFT').focus();
  await page.keyboard.press('Delete');
  await shows(dashboard, ['AAPL', 'GOOG']);

  // A link with another list shows that, and keeps the stored one.
  const shared = dashboard.watchlist.getByText('A shared list');
  await expect(shared).toBeHidden();
  await page.goto(`${market.url}/stocks/NVDA?symbols=NVDA,TSLA`);
  await dashboard.isLive();
  expect(await dashboard.symbols()).toEqual(['NVDA', 'TSLA']);
  await expect(shared).toBeVisible();
  await page.goto(`${market.url}/stocks/GOOG`);
  await shows(dashboard, ['AAPL', 'GOOG']);

  // Without a symbol in the address the first of the own list is open, and stays open.
  await page.goto(market.url);
  await shows(dashboard, ['AAPL', 'GOOG']);
  await expect(dashboard.heading).toHaveText(/AAPL/);
  await expect(page).toHaveURL(/\/stocks\/AAPL\?/);
  await dashboard.isDrawn();
  await expect(shared).toBeHidden();

  // It can be changed and reloaded, and is still shared.
  await page.goto(`${market.url}/stocks?symbols=NVDA,TSLA`);
  await dashboard.isLive();
  await dashboard.link('TSLA').focus();
  await page.keyboard.press('Alt+ArrowUp');
  await shows(dashboard, ['TSLA', 'NVDA']);
  await page.reload();
  await dashboard.isLive();
  await expect(shared).toBeVisible();
  expect(await dashboard.symbols()).toEqual(['TSLA', 'NVDA']);
  await dashboard.watchlist.getByRole('button', { name: 'Back to mine' }).click();
  await shows(dashboard, ['AAPL', 'GOOG']);
  await expect(shared).toBeHidden();
  // The open symbol stays open.
  await expect(dashboard.heading).toHaveText(/NVDA/);

  await page.goto(`${market.url}/stocks?symbols=NVDA,TSLA`);
  await dashboard.isLive();
  await dashboard.watchlist.getByRole('button', { name: 'Keep' }).click();
  await expect(shared).toBeHidden();
  await page.goto(market.url);
  await shows(dashboard, ['NVDA', 'TSLA']);
});

test('keeping a shared list can be undone', async ({ page, market, dashboard }) => {
  await page.goto(`${market.url}/stocks/GOOG`);
  await page.evaluate(() => localStorage.setItem('tickertape:watchlist', '1 AAPL,GOOG'));
  await page.goto(`${market.url}/stocks/NVDA?symbols=NVDA,TSLA`);
  await dashboard.isLive();
  await dashboard.watchlist.getByRole('button', { name: 'Keep' }).click();
  await dashboard.note('This list is yours now.').getByRole('button', { name: 'Undo' }).click();
  await shows(dashboard, ['AAPL', 'GOOG']);
  expect(await page.evaluate(() => localStorage.getItem('tickertape:watchlist'))).toBe(
    '1 AAPL,GOOG',
  );
});

test('the open symbol stays open when the first row is moved or removed', async ({
  page,
  market,
  dashboard,
}) => {
  // Without a symbol in the address the first of the list is open.
  await page.goto(`${market.url}/stocks?symbols=AAPL,GOOG,MSFT`);
  await dashboard.isLive();
  await expect(dashboard.heading).toHaveText(/AAPL/);
  await dashboard.link('GOOG').focus();
  await page.keyboard.press('Alt+ArrowUp');
  await shows(dashboard, ['GOOG', 'AAPL', 'MSFT']);
  await expect(dashboard.heading).toHaveText(/AAPL/);
  // The focus moves in the next frame.
  await expect(dashboard.link('GOOG')).toBeFocused();
  await page.keyboard.press('Delete');
  await shows(dashboard, ['AAPL', 'MSFT']);
  await expect(dashboard.link('AAPL')).toBeFocused();
  await page.keyboard.press('Delete');
  await shows(dashboard, ['MSFT']);
  await expect(dashboard.heading).toHaveText(/AAPL/);
  await expect(page).toHaveURL(/\/stocks\/AAPL\?/);
});

for (const size of [
  { width: 1280, height: 800 },
  { width: 390, height: 844 },
]) {
  test(`the list scrolls to what is opened and added at ${size.width} px, and the page does not scroll`, async ({
    page,
    serve,
    dashboard,
  }) => {
    const server = await serve('--feed', 'none', '--publish-token', grant);
    const names = Array.from({ length: 30 }, (_, at) => `S${String(at).padStart(2, '0')}`);
    await publish(server, ...[...names, 'NEWCO'].map((name) => quote(name, '10.00')));
    await page.setViewportSize(size);
    await page.goto(`${server.url}/stocks/S00?symbols=${names.join(',')}`);
    await dashboard.isLive();
    const list = dashboard.watchlist.getByRole('list');
    const isSeen = async (symbol: string) => {
      const [row, window] = [
        (await dashboard.link(symbol).boundingBox())!,
        (await list.boundingBox())!,
      ];
      return (
        row.x >= window.x - 1 &&
        row.y >= window.y - 1 &&
        row.x + row.width <= window.x + window.width + 1 &&
        row.y + row.height <= window.y + window.height + 1
      );
    };
    const place = () => list.evaluate((list) => [list.scrollLeft, list.scrollTop]);
    expect(await isSeen('S29')).toBe(false);
    // A step to a visible row does not scroll.
    await page.keyboard.press('j');
    await expect(dashboard.heading).toHaveText(/S01/);
    expect(await place()).toEqual([0, 0]);
    for (let at = 2; at < 30; at++) await page.keyboard.press('j');
    await expect(dashboard.heading).toHaveText(/S29/);
    await expect.poll(() => isSeen('S29')).toBe(true);
    for (let at = 0; at < 29; at++) await page.keyboard.press('k');
    await expect.poll(() => isSeen('S00')).toBe(true);
    expect(await isSeen('S29')).toBe(false);
    const field = await openField(page);
    await field.fill('NEWCO');
    await page.keyboard.press('Enter');
    await expect.poll(() => isSeen('NEWCO')).toBe(true);
    expect(await page.evaluate(() => window.scrollY)).toBe(0);
    // A link to a symbol whose row is out of view.
    await page.goto(`${server.url}/stocks/S25?symbols=${names.join(',')}`);
    await expect.poll(() => isSeen('S25')).toBe(true);
  });
}

test('symbols that are on the page but not on the own list are followed once they are opened or added', async ({
  page,
  market,
  dashboard,
}) => {
  await page.goto(`${market.url}/stocks/GOOG`);
  await page.evaluate(() => localStorage.setItem('tickertape:watchlist', '1 GOOG'));
  await page.reload();
  await shows(dashboard, ['GOOG']);
  await dashboard.isLive();
  const search = page.getByRole('combobox', { name: 'Search symbols' });
  await search.fill('NVDA');
  await expect(page.getByRole('option', { name: /NVDA/ })).toBeVisible();
  await page.keyboard.press('Enter');
  await expect(dashboard.heading).toHaveText(/NVDA/);
  await dashboard.moves('price');
  await (await openField(page)).fill('AAPL');
  await expect(page.getByRole('option', { name: /AAPL/ })).toBeVisible();
  await page.keyboard.press('Enter');
  await dashboard.moves('price', dashboard.link('AAPL'));
});

test('a stored list replaces the server’s, and nothing else moves', async ({
  page,
  market,
  dashboard,
}) => {
  await page.goto(`${market.url}/stocks/GOOG`);
  await page.evaluate(() => localStorage.setItem('tickertape:watchlist', '1 MSFT,GOOG,AAPL'));
  await page.addInitScript(() => {
    const shifts: string[] = [];
    Object.assign(window, { shifts });
    // Rows of the list may move, digits of a number, and stories when a new one arrives.
    const mayMove = 'nav, [data-field], [aria-label="News"]';
    const liesInOne = ({ left, right, top, bottom }: DOMRect) =>
      [...document.querySelectorAll(mayMove)].some((part) => {
        const box = part.getBoundingClientRect();
        const across = left >= box.left - 2 && right <= box.right + 2;
        return across && top >= box.top - 2 && bottom <= box.bottom + 2;
      });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { sources } = entry as PerformanceEntry & {
          sources?: { node?: Node; currentRect: DOMRect }[];
        };
        for (const { node, currentRect } of sources ?? []) {
          const element = node instanceof Element ? node : node?.parentElement;
          // Removed rows and flashing backgrounds are not nodes, and are recognized by their
          // positions.
          if (element ? element.closest(mayMove) : liesInOne(currentRect)) continue;
          shifts.push(element?.outerHTML ?? JSON.stringify(currentRect));
        }
      }
    }).observe({ type: 'layout-shift', buffered: true });
  });
  await page.reload();
  await shows(dashboard, ['MSFT', 'GOOG', 'AAPL']);
  await dashboard.isLive();
  await dashboard.isDrawn();
  await dashboard.moves('price');
  expect(await page.evaluate('window.shifts'), 'layout shifts').toEqual([]);
});

test.describe('a stored symbol that is no longer quoted', () => {
  // The browser logs that the server answered 404.
  test.use({ quiet: false });

  test('is left out and named, and the rest is live', async ({ page, serve, dashboard }) => {
    const server = await serve('--feed', 'none', '--publish-token', grant);
    await publish(server, quote('NEWCO', '12.50'), quote('OLDCO', '7.00'));
    await page.goto(server.url);
    await dashboard.isLive();
    await page.evaluate(() => localStorage.setItem('tickertape:watchlist', '1 GONE,OLDCO,NEWCO'));
    await page.goto(server.url);
    await shows(dashboard, ['OLDCO', 'NEWCO']);
    await expect(dashboard.note(/no feed of this server quotes it: GONE\./)).toBeVisible();
    await publish(server, quote('OLDCO', '7.25'));
    await expect(dashboard.field('price', dashboard.link('OLDCO'))).toHaveText('7.25');
    // It stays stored, and returns with its first price.
    await publish(server, quote('GONE', '1.00'));
    await page.goto(server.url);
    await shows(dashboard, ['GONE', 'OLDCO', 'NEWCO']);
  });
});

test('more symbols than the server chooses, with long names, on a wide and a narrow page', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await serve('--feed', 'none', '--publish-token', grant);
  const names = Array.from({ length: 40 }, (_, number) => `S${String(number).padStart(2, '0')}`);
  names.push('BTC-PERPETUAL-20261225');
  await publish(
    server,
    ...names.map((name, number) => quote(name, `${(number + 1) * 31_337}.25`)),
    ...names.map((name) => session(name, `${name} International Holdings Société Anonyme`, '30000')),
  );
  await page.goto(`${server.url}/stocks/S01`);
  await page.evaluate(
    (names) => localStorage.setItem('tickertape:watchlist', `1 ${names.join(',')}`),
    names,
  );
  // The stream sends symbols that the server did not choose.
  await page.goto(`${server.url}/stocks/S01`);
  await dashboard.isLive();
  await shows(dashboard, names);
  await expect(dashboard.field('price', dashboard.link('S39'))).toHaveText('1,253,480.25');

  for (const size of [
    { width: 1280, height: 800 },
    { width: 390, height: 844 },
  ]) {
    await page.setViewportSize(size);
    expect(await dashboard.overflow(), `px wider than ${size.width}`).toBeLessThanOrEqual(0);
    const edit = dashboard.watchlist.getByRole('button', { name: 'Edit' });
    await edit.click();
    const row = dashboard.watchlist.getByRole('listitem').filter({ hasText: 'BTC-PERPETUAL' });
    await row.scrollIntoViewIfNeeded();
    const end = (await row.boundingBox())!;
    for (const figure of await row.locator('[data-field]:visible').all()) {
      const box = (await figure.boundingBox())!;
      expect(box.x + box.width, 'a number within its row').toBeLessThanOrEqual(end.x + end.width);
    }
    for (const button of await row.getByRole('button').all()) {
      const box = (await button.boundingBox())!;
      expect(Math.min(box.width, box.height), 'a target').toBeGreaterThanOrEqual(24);
    }
    await isAccessible(page, `editing at ${size.width}`);
    await edit.click();
  }
});

test.describe('by touch', () => {
  test.use({ hasTouch: true, isMobile: true, viewport: { width: 390, height: 844 } });

  test('symbols are added, sorted and removed by touch', async ({ page, market, dashboard }) => {
    await page.goto(`${market.url}/stocks/GOOG?symbols=AAPL,GOOG,MSFT`);
    await dashboard.isLive();
    await dashboard.watchlist.getByRole('button', { name: 'Remove AAPL' }).tap();
    await shows(dashboard, ['GOOG', 'MSFT']);
    await page.getByRole('button', { name: '+ Add' }).tap();
    await page.getByRole('combobox', { name: 'Add a symbol' }).fill('tesla');
    await page.getByRole('option', { name: /TSLA Tesla/ }).tap();
    await shows(dashboard, ['GOOG', 'MSFT', 'TSLA']);
    await page.keyboard.press('Escape');
    await dashboard.watchlist.getByRole('button', { name: 'Edit' }).tap();
    await dashboard.watchlist.getByRole('button', { name: 'Move MSFT up' }).tap();
    await shows(dashboard, ['MSFT', 'GOOG', 'TSLA']);
  });
});

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(`${colorScheme}`, () => {
    test.use({ colorScheme });

    test(`the list is accessible while symbols are added, edited and removed in ${colorScheme}`, async ({
      page,
      market,
      dashboard,
    }) => {
      await page.goto(`${market.url}/stocks/GOOG?symbols=AAPL,GOOG,MSFT`);
      await dashboard.isLive();
      const field = await openField(page);
      await field.fill('a');
      await expect(page.getByRole('option').first()).toBeVisible();
      await page.keyboard.press('ArrowDown');
      await isAccessible(page, 'suggestions');
      await field.fill('a & b');
      await expect(page.getByRole('option').first()).toBeHidden();
      await page.keyboard.press('Enter');
      await expect(dashboard.watchlist.getByRole('alert')).not.toBeEmpty();
      await isAccessible(page, 'a complaint');
      await page.keyboard.press('Escape');
      await dashboard.watchlist.getByRole('button', { name: 'Edit' }).click();
      await dashboard.watchlist.getByRole('button', { name: 'Remove MSFT' }).click();
      await expect(dashboard.note('MSFT was removed')).toBeVisible();
      await isAccessible(page, 'editing, with a note');
    });
  });
}
