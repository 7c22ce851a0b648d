import type { Page } from '@playwright/test';
import { expect, test } from '../helpers/journey.ts';
import { grant } from '../helpers/publish.ts';
import { minutes, still } from '../helpers/still.ts';

test.use({ timezoneId: 'UTC' });

const DAY = 86_400_000;

/**
 * Yesterday's session and two hours of today's, with seventeen and a half hours without trades in
 * between.
 */
const sessions = [
  ...minutes(7).map((bar) => ({ ...bar, start: bar.start - DAY })),
  ...minutes(11, 120),
];

/**
 * The longest empty part of the series' canvas, with and without volume, as parts of the plot's
 * width.
 */
async function emptiest(page: Page): Promise<{ from: number; to: number }> {
  return await page.evaluate(async () => {
    const frame = () => new Promise((next) => requestAnimationFrame(next));
    await frame();
    await frame();
    const layer = document.querySelectorAll<HTMLCanvasElement>('.chart canvas')[1]!;
    const copy = document.createElement('canvas');
    [copy.width, copy.height] = [layer.width, layer.height];
    const context = copy.getContext('2d')!;
    context.drawImage(layer, 0, 0);
    const { data } = context.getImageData(0, 0, copy.width, copy.height);
    const drawn = Array.from({ length: copy.width }, (_, x) => {
      for (let y = 0; y < copy.height; y++) if (data[(y * copy.width + x) * 4 + 3]! > 0) return true;
      return false;
    });
    const columns = drawn.flatMap((is, x) => (is ? [x] : []));
    let [from, to] = [0, 0];
    for (let n = 1; n < columns.length; n++) {
      if (columns[n]! - columns[n - 1]! > to - from) [from, to] = [columns[n - 1]!, columns[n]!];
    }
    return { from: from / copy.width, to: to / copy.width };
  });
}

test('closed hours are empty in every kind of chart, and while a reader pans', async ({
  page,
  serve,
}) => {
  const server = await serve('--feed', 'none', '--publish-token', grant);
  await still(server, 'STILL', sessions);
  await page.goto(`${server.url}/stocks/STILL`);
  await expect(page.locator('figure.drawn')).toBeVisible();
  const kinds = page.getByRole('combobox', { name: 'Chart type' });
  const plot = page.getByRole('application', { name: 'Chart of STILL' });
  const all = [];
  for (const kind of ['Line', 'Area', 'Candles', 'Bars']) {
    await kinds.selectOption(kind);
    await expect(page.locator('figure.drawn')).toBeVisible();
    const before = await emptiest(page);
    await plot.focus();
    await page.keyboard.press('Shift+ArrowLeft');
    await expect(page.getByRole('button', { name: 'Newest' })).toBeVisible();
    const after = await emptiest(page);
    await page.keyboard.press('Home');
    await expect(page.getByRole('button', { name: 'Newest' })).toBeHidden();
    // Seventeen and a half of twenty-four hours, less the widths of two candles.
    expect(before.to - before.from, kind).toBeGreaterThan(0.6);
    expect(after.to - after.from, kind).toBeGreaterThan(0.6);
    expect(after.from - before.from, kind).toBeGreaterThan(0.07);
    all.push(before);
  }
  for (const { from, to } of all) {
    expect(Math.abs(from - all[0]!.from)).toBeLessThan(0.03);
    expect(Math.abs(to - all[0]!.to)).toBeLessThan(0.03);
  }
});

test('the server leaves closed hours empty, too, and nothing is drawn before the first trade', async ({
  serve,
}) => {
  const server = await serve('--feed', 'none', '--publish-token', grant);
  await still(server, 'STILL', sessions);
  await still(server, 'YOUNG', minutes(11, 30));
  const paths = async (symbol: string) => {
    const page = await fetch(`${server.url}/stocks/${symbol}`, { headers: { accept: 'text/html' } });
    const drawing = /<svg class="still-plot">.*?<svg class="still-values"/s.exec(await page.text())![0];
    const drawn = [...drawing.matchAll(/<path d="(M[^"]*l[^"]*)"/g)].map((match) => match[1]!);
    expect(drawn, 'an area and a line').toHaveLength(2);
    return drawn;
  };
  for (const path of await paths('STILL')) expect(path.match(/M/g)).toHaveLength(2);
  for (const path of await paths('YOUNG')) {
    expect(path.match(/M/g)).toHaveLength(1);
    // The plot begins with the first minute.
    expect(path).toMatch(/^M0 /);
  }
});
