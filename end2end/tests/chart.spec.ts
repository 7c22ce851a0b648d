import { readFile } from 'node:fs/promises';
import type { Locator, Page } from '@playwright/test';
import { expect, test } from '../helpers/journey.ts';
import { grant, publish } from '../helpers/publish.ts';
import { begin, minutes, still } from '../helpers/still.ts';

// The times on the axis are the reader's own.
test.use({ timezoneId: 'UTC' });

const plot = (page: Page): Locator => page.getByRole('application', { name: /^Chart of/ });

/** Opens the chart of a market without changes. */
async function open(page: Page, serve: (...args: string[]) => Promise<{ url: string }>) {
  const server = (await serve('--feed', 'none', '--publish-token', grant)) as Parameters<
    typeof publish
  >[0];
  await still(server, 'STILL', minutes(7));
  await still(server, 'OTHER', minutes(11, 390, 40));
  await page.goto(`${server.url}/stocks/STILL`);
  await expect(page.locator('figure.drawn')).toBeVisible();
  // The count is updated a moment after drawing.
  await expect(page.locator('figure [data-points]')).toHaveAttribute('data-points', /^[1-9]/);
  return server;
}

/** The announcement of the last step by keyboard. */
const announced = (page: Page): Locator =>
  page.getByRole('region', { name: 'Chart' }).locator('[aria-live="assertive"]');

test('the key c switches the kind of chart, each looks different, and the kind is stored', async ({
  page,
  serve,
  dashboard,
}) => {
  await open(page, serve);
  const kinds = page.getByRole('combobox', { name: 'Chart type' });
  await expect(kinds).toHaveValue('area');
  const seen = new Set([(await dashboard.pixels()).hash]);
  for (const kind of ['line', 'candles', 'bars']) {
    const before = await dashboard.pixels();
    await page.keyboard.press('c');
    await expect(kinds).toHaveValue(kind);
    await dashboard.redraws(before);
    seen.add((await dashboard.pixels()).hash);
  }
  expect(seen.size).toBe(4);
  await page.reload();
  await dashboard.isLive();
  await expect(kinds).toHaveValue('bars');
});

test('keys step through candles and announce them', async ({ page, serve }) => {
  await open(page, serve);
  await page.getByRole('combobox', { name: 'Chart type' }).selectOption('Candles');
  await plot(page).focus();
  await page.keyboard.press('ArrowLeft');
  await expect(announced(page)).toHaveText(
    /^\d\d:\d\d:00, open [\d.]+, high [\d.]+, low [\d.]+, close [\d.]+, volume [\d.]+ K$/,
  );
  const last = await announced(page).textContent();
  await page.keyboard.press('PageUp');
  await expect(announced(page)).not.toHaveText(last ?? '');
  await page.keyboard.press('End');
  await expect(announced(page)).toHaveText(last ?? '');
  await page.keyboard.press('Enter');
  await expect(announced(page)).toHaveText(/points from .* low .* high/);
  await page.keyboard.press('Escape');
  await expect(announced(page)).toHaveText('');
});

test('a drag scrolls into the past, where nothing moves, and a button returns to the newest', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await open(page, serve);
  const newest = page.getByRole('button', { name: 'Newest' });
  await expect(newest).toBeHidden();
  await page.getByRole('button', { name: '1 hour' }).click();
  const box = (await plot(page).boundingBox())!;
  const middle = { x: box.x + box.width / 2, y: box.y + box.height / 3 };
  await page.mouse.move(middle.x, middle.y);
  await page.mouse.down();
  await page.mouse.move(middle.x + 200, middle.y, { steps: 5 });
  await page.mouse.up();
  await expect(newest).toBeVisible();

  // A new price does not move the view.
  await page.mouse.move(box.x - 20, box.y);
  const before = await dashboard.pixels();
  const drawn = async () =>
    await dashboard.chart
      .locator('canvas')
      .evaluateAll((layers) =>
        (layers as HTMLCanvasElement[]).slice(0, 2).map((layer) => layer.toDataURL()),
      );
  const axesAndSeries = await drawn();
  await publish(server, {
    event: 'quote',
    data: { symbol: 'STILL', time: begin + 392 * 60_000, price: '99.01', volume: '1000100' },
  });
  await expect.poll(async () => await dashboard.value('price')).toBe('99.01');
  // Everything except the line at the newest price.
  await dashboard.redraws(before);
  expect(await drawn()).toEqual(axesAndSeries);

  await newest.click();
  await expect(newest).toBeHidden();
  await dashboard.redraws(before);
});

test('the wheel and keys zoom, and a double click shows the whole range', async ({
  page,
  serve,
  dashboard,
}) => {
  await open(page, serve);
  const all = await dashboard.points();
  const box = (await plot(page).boundingBox())!;
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.wheel(0, -600);
  await expect.poll(async () => await dashboard.points()).toBeLessThan(all * 0.7);
  await plot(page).dblclick();
  await expect.poll(async () => await dashboard.points()).toBe(all);
  await plot(page).focus();
  await page.keyboard.press('+');
  await page.keyboard.press('+');
  await expect.poll(async () => await dashboard.points()).toBeLessThan(all * 0.8);
  await page.keyboard.press('Shift+ArrowLeft');
  await expect(page.getByRole('button', { name: 'Newest' })).toBeVisible();
  await page.keyboard.press('Home');
  await expect.poll(async () => await dashboard.points()).toBe(all);
});

test('two fingers zoom the chart', async ({ page, serve, dashboard }) => {
  await open(page, serve);
  const all = await dashboard.points();
  const box = (await plot(page).boundingBox())!;
  const y = box.y + box.height / 2;
  const client = await page.context().newCDPSession(page);
  const touch = async (type: string, ...xs: number[]) =>
    await client.send('Input.dispatchTouchEvent', {
      type: type as 'touchStart',
      touchPoints: xs.map((x, id) => ({ x: box.x + x, y, id })),
    });
  await touch('touchStart', 200);
  await touch('touchStart', 200, 300);
  for (let step = 1; step <= 10; step++) await touch('touchMove', 200 - 10 * step, 300 + 10 * step);
  await touch('touchEnd');
  await expect.poll(async () => await dashboard.points()).toBeLessThan(all * 0.6);
});

test('symbols are compared in percent, with their names', async ({ page, serve, dashboard }) => {
  await open(page, serve);
  const before = await dashboard.pixels();
  await page.getByText('Compare').click();
  await page.getByRole('checkbox', { name: 'OTHER' }).check();
  await page.keyboard.press('Escape');
  await expect(page.getByText('Compare')).toBeFocused();
  await expect(page.getByRole('combobox', { name: 'Scale' })).toHaveValue('percent');
  await dashboard.redraws(before);
  await plot(page).focus();
  await page.keyboard.press('ArrowLeft');
  await expect(announced(page)).toHaveText(/ %.*, OTHER [+−]?[\d.]+ %/);
});

test('studies are drawn, announced, and saved with the prices', async ({ page, serve }) => {
  await open(page, serve);
  await page.getByRole('combobox', { name: 'Chart type' }).selectOption('Candles');
  await page.getByText('Studies').click();
  await page.getByRole('checkbox', { name: 'SMA 20' }).check();
  await page.getByRole('checkbox', { name: 'VWAP' }).check();
  await page.keyboard.press('Escape');
  await plot(page).focus();
  await page.keyboard.press('ArrowLeft');
  await expect(announced(page)).toHaveText(/, SMA 20 [\d.]+, VWAP [\d.]+$/);

  await page.getByText('Save').or(page.getByLabel('Save')).first().click();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Data (CSV)' }).click(),
  ]);
  expect(download.suggestedFilename()).toBe('STILL 1D.csv');
  const text = await readFile(await download.path(), 'utf8');
  const [head, first, ...rest] = text.trim().split('\r\n');
  expect(head).toBe('time,open,high,low,close,volume,SMA 20,VWAP');
  expect(first).toMatch(/^2026-01-05T14:3\d:00\.000Z,100\.00,/);
  expect(rest.length).toBeGreaterThan(20);
  // Every minute is in one of the candles.
  const column = (line: string, at: number) => Number(line.split(',')[at]);
  const traded = [first!, ...rest].reduce((sum, line) => sum + column(line, 5), 0);
  const all = minutes(7).reduce((sum, { volume }) => sum + volume, 0);
  expect(Math.abs(traded - all)).toBeLessThan(1);
});

test('the chart is saved as an image', async ({ page, serve }) => {
  await open(page, serve);
  await page.getByLabel('Save').click();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Image (PNG)' }).click(),
  ]);
  expect(download.suggestedFilename()).toBe('STILL 1D.png');
  const bytes = await readFile(await download.path());
  expect(bytes.subarray(1, 4).toString()).toBe('PNG');
  const box = (await plot(page).boundingBox())!;
  expect(Math.abs(bytes.readUInt32BE(16) - box.width)).toBeLessThanOrEqual(1);
  expect(bytes.length).toBeGreaterThan(5_000);
});

test('the numbers of the chart can be read as a table', async ({ page, serve }) => {
  await open(page, serve);
  await page.getByRole('combobox', { name: 'Chart type' }).selectOption('Bars');
  await page.getByText('Data table', { exact: true }).click();
  const table = page.getByRole('region', { name: 'Data table' }).getByRole('table');
  await expect(table.getByRole('columnheader')).toHaveText([
    'time',
    'open',
    'high',
    'low',
    'close',
    'volume',
  ]);
  const rows = table.getByRole('row');
  expect(await rows.count()).toBeGreaterThan(20);
  const last = minutes(7).at(-1)!;
  await expect(rows.nth(1).getByRole('cell').nth(4)).toHaveText(last.close.toFixed(2));
});

test('a story is pinned at its time, and opens from there', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await open(page, serve);
  const before = await dashboard.pixels();
  await publish(server, {
    event: 'news',
    data: {
      id: 'pinned',
      type: 'headline',
      basis: 'native',
      symbols: ['STILL'],
      headline: 'Something happened at noon',
      source: 'Journey',
      published: begin + 150 * 60_000,
    },
  });
  await expect(dashboard.stories).toHaveCount(1);
  await dashboard.redraws(before);
  await plot(page).focus();
  await page.keyboard.press('End');
  for (let presses = 0; presses < 400; presses++) {
    await page.keyboard.press('ArrowLeft');
    if ((await announced(page).textContent())?.includes('Something happened at noon')) break;
  }
  await expect(announced(page)).toHaveText(/news: Something happened at noon/);
  await page.keyboard.press('Enter');
  await expect(dashboard.stories.first()).toBeFocused();
});
