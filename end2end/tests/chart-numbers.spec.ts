import { readFile } from 'node:fs/promises';
import type { Page } from '@playwright/test';
import { expect, test } from '../helpers/journey.ts';
import { grant, publish, quote, session } from '../helpers/publish.ts';
import { minutes, still } from '../helpers/still.ts';

test.use({ timezoneId: 'UTC' });

/** The chart's file, as head and rows. */
async function csv(page: Page): Promise<{ head: string[]; rows: string[][] }> {
  await page.getByLabel('Save').click();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Data (CSV)' }).click(),
  ]);
  const text = await readFile(await download.path(), 'utf8');
  const [head, ...rows] = text.trim().split('\r\n').map((line) => line.split(','));
  return { head: head!, rows };
}

test('a study is computed from the drawn candles, and file and table have its values', async ({
  page,
  serve,
}) => {
  const server = await serve('--feed', 'none', '--publish-token', grant);
  await still(server, 'STILL', minutes(7));
  await page.goto(`${server.url}/stocks/STILL?chart=1D,candles,sma20`);
  await expect(page.locator('figure.drawn')).toBeVisible();
  const { head, rows } = await csv(page);
  expect(head).toEqual(['time', 'open', 'high', 'low', 'close', 'volume', 'SMA 20']);
  const closes = rows.map((row) => Number(row[4]));
  expect(rows.length).toBeGreaterThan(25);
  for (const [at, row] of rows.entries()) {
    if (at < 19) {
      expect(row[6], `row ${at}`).toBe('');
      continue;
    }
    const mean = closes.slice(at - 19, at + 1).reduce((sum, close) => sum + close, 0) / 20;
    expect(Math.abs(Number(row[6]) - mean), `row ${at}`).toBeLessThan(1e-6);
  }
  // The length of a candle is in the legend of the visible drawing.
  const step = (Date.parse(rows[1]![0]!) - Date.parse(rows[0]![0]!)) / 60_000;
  const lengths = await page.locator('.chart-still tspan').evaluateAll((parts) =>
    parts
      .filter((part) => part.getClientRects().length > 0)
      .map((part) => part.textContent)
      .filter((text) => /^\d+m$/.test(text ?? '')),
  );
  expect(lengths).toEqual([`${step}m`]);

  await page.getByText('Data table', { exact: true }).click();
  const table = page.getByRole('region', { name: 'Data table' }).getByRole('table');
  const newest = table.getByRole('row').nth(1).getByRole('cell');
  await expect(newest.nth(6)).toHaveText(Number(rows.at(-1)![6]).toFixed(2));
});

test('the file of an area has volumes, as whole numbers if they are whole', async ({
  page,
  serve,
}) => {
  const server = await serve('--feed', 'none', '--publish-token', grant);
  await still(server, 'STILL', minutes(7));
  await page.goto(`${server.url}/stocks/STILL`);
  await expect(page.locator('figure.drawn')).toBeVisible();
  const { head, rows } = await csv(page);
  expect(head).toEqual(['time', 'value', 'volume']);
  for (const row of rows) {
    expect(row[1]).toMatch(/^\d+\.\d\d$/);
    expect(row[2]).toMatch(/^\d+$/);
  }
  // The newest minute continues: a line has the prices received since the page was opened.
  const over = minutes(7).slice(0, -1);
  expect(rows.slice(0, -1).map((row) => Number(row[2]))).toEqual(over.map(({ volume }) => volume));
});

for (const colorScheme of ['dark', 'light'] as const) {
  test.describe(`in ${colorScheme} colours`, () => {
    test.use({ colorScheme });

    test('no two lines of a chart share a colour, and a comparison fixes the scale', async ({
      page,
      serve,
    }) => {
      const server = await serve('--feed', 'none', '--publish-token', grant);
      await still(server, 'STILL', minutes(7));
      await still(server, 'OTHER', minutes(11, 390, 40));
      await page.goto(
        `${server.url}/stocks/STILL?chart=line,log,sma20,sma50,ema20,vwap&compare=OTHER`,
      );
      const scale = page.getByRole('combobox', { name: 'Scale' });
      await expect(scale).toBeDisabled();
      await expect(scale).toHaveValue('percent');
      const colours = await page
        .locator('.chart-still')
        .evaluate((still) =>
          [...still.querySelectorAll('.still-plot path[vector-effect]')]
            .filter((line) => line.getClientRects().length > 0)
            .map((line) => getComputedStyle(line).stroke),
        );
      // The series, four studies and one other.
      expect(colours).toHaveLength(6);
      expect(new Set(colours).size).toBe(6);
      await page.getByText('Compare').click();
      await page.getByRole('checkbox', { name: 'OTHER' }).uncheck();
      await page.keyboard.press('Escape');
      await expect(scale).toBeEnabled();
      await expect(scale).toHaveValue('log');
    });
  });
}

test('a price with more digits than a floating point number is shown in full', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await serve('--feed', 'none', '--publish-token', grant);
  await publish(
    server,
    session('HUGE', 'Huge', '12345678901234567890'),
    quote('HUGE', '12345678901234567891'),
  );
  await page.goto(`${server.url}/stocks/HUGE`);
  await expect(page.locator('figure.drawn')).toBeVisible();
  await expect(dashboard.field('price')).toHaveText(/12,345,678,901,234,567,891/);
  await expect(page.locator('.chart-still')).toContainText('12,345,678,901,234,56');
});
