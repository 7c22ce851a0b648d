import type { Page } from '@playwright/test';
import { expect, test } from '../helpers/journey.ts';
import { grant } from '../helpers/publish.ts';
import type { Server } from '../helpers/server.ts';
import { minutes, still } from '../helpers/still.ts';

test.use({ timezoneId: 'UTC' });

const kinds = (page: Page) => page.getByRole('combobox', { name: 'Chart type' });
const scales = (page: Page) => page.getByRole('combobox', { name: 'Scale' });
const range = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const query = (page: Page) => new URL(page.url()).searchParams;

async function market(serve: (...args: string[]) => Promise<Server>): Promise<Server> {
  const server = await serve('--feed', 'none', '--publish-token', grant);
  await still(server, 'STILL', minutes(7));
  await still(server, 'OTHER', minutes(11, 390, 40));
  await still(server, 'THIRD', minutes(13, 390, 10));
  return server;
}

async function isDrawn(page: Page): Promise<void> {
  await expect(page.locator('figure.drawn')).toBeVisible();
}

/** The choices as the page shows them. */
async function choices(page: Page) {
  const pressed = page.getByRole('group', { name: 'Range' }).locator('[aria-pressed="true"]');
  await page.getByText('Studies').click();
  const checked = await page.locator('.menu[open] input:checked').evaluateAll((boxes) =>
    boxes.map((box) => box.parentElement!.textContent!.trim()),
  );
  await page.keyboard.press('Escape');
  await page.getByText('Compare').click();
  const compared = await page.locator('.menu[open] input:checked').evaluateAll((boxes) =>
    boxes.map((box) => box.parentElement!.textContent!.trim()),
  );
  await page.keyboard.press('Escape');
  return {
    range: await pressed.textContent(),
    kind: await kinds(page).inputValue(),
    scale: await scales(page).inputValue(),
    checked,
    compared,
  };
}

test('all choices of a chart are in the address, and a link shows others the same chart', async ({
  page,
  browser,
  serve,
  dashboard,
}) => {
  const server = await market(serve);
  await page.goto(`${server.url}/stocks/STILL?utm_source=mail`);
  await isDrawn(page);
  await dashboard.isLive();
  // Nothing is chosen, so the address has no choices.
  expect(page.url()).toBe(`${server.url}/stocks/STILL?utm_source=mail`);
  const entries = await page.evaluate(() => history.length);

  await range(page, '1 hour').click();
  await kinds(page).selectOption('Candles');
  await scales(page).selectOption('Log');
  await page.getByText('Studies').click();
  await page.getByRole('checkbox', { name: 'VWAP' }).check();
  await page.keyboard.press('Escape');
  await page.getByText('Compare').click();
  await page.getByRole('checkbox', { name: 'OTHER' }).check();
  await page.keyboard.press('Escape');
  await expect.poll(() => query(page).get('compare')).toBe('OTHER');
  expect(query(page).get('chart')).toBe('1h,candles,log,vwap');
  expect(query(page).get('utm_source'), 'what is not the page’s stays').toBe('mail');
  expect(await page.evaluate(() => history.length), 'steps of the way back').toBe(entries);
  const seen = await choices(page);
  expect(seen).toMatchObject({ range: '1h', kind: 'candles', scale: 'percent' });
  expect(seen.compared).toEqual(['OTHER']);

  await page.reload();
  await isDrawn(page);
  await dashboard.isLive();
  expect(await choices(page)).toEqual(seen);

  const link = page.url();
  const context = await browser.newContext({ timezoneId: 'UTC', serviceWorkers: 'block' });
  const other = await context.newPage();
  await other.goto(link);
  await isDrawn(other);
  expect(await choices(other)).toEqual(seen);
  // The server draws the same, before any script.
  const html = await (await fetch(link, { headers: { accept: 'text/html' } })).text();
  expect(html).toMatch(/<option value="candles" selected/);
  expect(html).toMatch(/aria-pressed="true"[^>]*aria-label="1 hour"/);
  const drawing = /<figure class="chart.*?<\/figure>/s.exec(html)![0];
  for (const name of ['STILL', 'OTHER', 'VWAP']) expect(drawing).toContain(`>${name}</tspan>`);
  await context.close();
});

test('a shared chart keeps the stored choices until something is changed', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await market(serve);
  const kept = async () =>
    await page.evaluate(() => localStorage.getItem('tickertape:chart'));
  await page.goto(`${server.url}/stocks/STILL`);
  await isDrawn(page);
  await kinds(page).selectOption('Bars');
  await expect.poll(kept).toBe('1 bars linear');

  await page.goto(`${server.url}/stocks/STILL?chart=1W,candles,percent,sma50`);
  await isDrawn(page);
  await dashboard.isLive();
  await expect(kinds(page)).toHaveValue('candles');
  await expect(range(page, '1 week')).toHaveAttribute('aria-pressed', 'true');
  expect(await kept()).toBe('1 bars linear');
  await page.goto(`${server.url}/stocks/OTHER`);
  await isDrawn(page);
  await expect(kinds(page)).toHaveValue('bars');
  // The stored choices are in the address, too, so that it can be shared.
  await expect.poll(() => query(page).get('chart')).toBe('1D,bars,linear');

  await page.goto(`${server.url}/stocks/STILL?chart=1W,candles,percent,sma50`);
  await isDrawn(page);
  await scales(page).selectOption('Log');
  await expect.poll(kept).toBe('1 candles log sma50');
});

test('tabs share their choices, except one that was opened by a link', async ({
  page,
  context,
  serve,
}) => {
  const server = await market(serve);
  await page.goto(`${server.url}/stocks/STILL`);
  const other = await context.newPage();
  await other.goto(`${server.url}/stocks/STILL`);
  const shared = await context.newPage();
  await shared.goto(`${server.url}/stocks/STILL?chart=1W,bars,linear`);
  for (const tab of [page, other, shared]) await isDrawn(tab);
  // After own changes it still follows the next change.
  for (const kind of ['line', 'candles']) {
    await kinds(page).selectOption(kind);
    await expect(kinds(other)).toHaveValue(kind);
    await expect.poll(() => query(other).get('chart')).toBe(`1D,${kind},linear`);
  }
  await kinds(other).selectOption('area');
  await expect(kinds(page)).toHaveValue('area');
  await expect(kinds(shared)).toHaveValue('bars');
});

test('unknown parts of an address are ignored', async ({ page, serve, dashboard }) => {
  const server = await market(serve);
  const symbols = Array.from({ length: 300 }, (_, n) => `GONE${n}`).join(',');
  const words = `${'x'.repeat(2_000)},9Y,<b>,log,sma20,sma20,,%00`;
  await page.goto(`${server.url}/stocks/STILL?chart=${words}&compare=${symbols},OTHER,OTHER`);
  await isDrawn(page);
  await dashboard.isLive();
  await expect.poll(() => query(page).get('chart')).toBe('1D,area,log,sma20');
  expect(query(page).get('compare')).toBeNull();
  await page.goto(`${server.url}/stocks/STILL?compare=STILL,GONE,OTHER,THIRD`);
  await isDrawn(page);
  await expect(scales(page)).toBeDisabled();
  const { compared } = await choices(page);
  expect(compared.sort()).toEqual(['OTHER', 'STILL', 'THIRD']);
});

test('another symbol keeps the choices of the chart, and going back restores what was shown', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await market(serve);
  await page.goto(`${server.url}/stocks/STILL`);
  await isDrawn(page);
  await dashboard.isLive();
  await range(page, '1 hour').click();
  await kinds(page).selectOption('Line');
  await expect.poll(() => query(page).get('chart')).toBe('1h,line,linear');
  await dashboard.link('OTHER').click();
  await expect(dashboard.heading).toHaveText(/OTHER/);
  expect(query(page).get('chart')).toBe('1h,line,linear');
  await kinds(page).selectOption('Candles');
  await range(page, '1 week').click();
  await expect.poll(() => query(page).get('chart')).toBe('1W,candles,linear');

  await page.goBack();
  await expect(dashboard.heading).toHaveText(/STILL/);
  await expect(kinds(page)).toHaveValue('line');
  await expect(range(page, '1 hour')).toHaveAttribute('aria-pressed', 'true');
  await page.goForward();
  await expect(dashboard.heading).toHaveText(/OTHER/);
  await expect(kinds(page)).toHaveValue('candles');
  await expect(range(page, '1 week')).toHaveAttribute('aria-pressed', 'true');
  expect(query(page).get('chart')).toBe('1W,candles,linear');
});
