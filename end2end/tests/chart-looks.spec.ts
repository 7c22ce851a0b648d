import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { expect, test } from '../helpers/journey.ts';
import { grant, publish } from '../helpers/publish.ts';
import { root } from '../helpers/server.ts';
import { begin, minutes, still } from '../helpers/still.ts';

// Pictures of the chart that were checked by eye. Labels are drawn with the fonts of the machine:
// if letters have other widths, pictures cannot be equal.
const pictures = resolve(root, 'end2end/tests/chart-looks');

// A separate box, so that the pictures show only the chart and not its place on the page.
const BOX = `.chart { position: fixed !important; inset: 0 auto auto 0; width: 320px; height: 220px !important;
  z-index: 99; background: var(--ground); aspect-ratio: auto !important }
  .chart-plot { outline: none !important }`;

const KINDS = ['Area', 'Line', 'Candles', 'Bars'];
const SCALES = ['Linear', 'Log', 'Percent'];

for (const scheme of ['dark', 'light'] as const) {
  for (const ratio of [1, 1.5, 2]) {
    test.describe(`${scheme}, ${ratio} device pixels`, () => {
      test.use({
        colorScheme: scheme,
        deviceScaleFactor: ratio,
        timezoneId: 'UTC',
        bypassCSP: true,
        viewport: { width: 900, height: 700 },
      });

      test('each kind on each scale looks as it did', async ({ page, serve, dashboard }) => {
        const server = await serve('--feed', 'none', '--publish-token', grant);
        await still(server, 'STILL', minutes(7));
        await page.goto(`${server.url}/stocks/STILL`);
        await expect(page.locator('figure.drawn')).toBeVisible();
        const width = await page.evaluate(() => {
          const context = document.createElement('canvas').getContext('2d')!;
          context.font = `12px ${getComputedStyle(document.body).fontFamily}`;
          return context.measureText('0123456789.:% Jan').width;
        });
        const expected = Number(
          await readFile(resolve(pictures, 'width-of-letters.txt'), 'utf8').catch(() => width),
        );
        test.skip(
          Math.abs(width - expected) > 0.01,
          `letters are ${width} wide here, and ${expected} in the pictures`,
        );
        await page.addStyleTag({ content: BOX });
        const canvas = page.getByRole('application', { name: 'Chart of STILL' });
        await expect.poll(async () => (await canvas.boundingBox())?.width).toBe(320);
        for (const kind of KINDS) {
          for (const scale of SCALES) {
            await page.getByRole('combobox', { name: 'Chart type' }).selectOption(kind);
            await page.getByRole('combobox', { name: 'Scale' }).selectOption(scale);
            await dashboard.isDrawn();
            await expect(canvas).toHaveScreenshot(
              `${kind}-${scale}-${scheme}-${ratio}.png`.toLowerCase(),
              // Lines may differ slightly between versions of the browser.
              { scale: 'device', maxDiffPixelRatio: 0.005, threshold: 0.25 },
            );
          }
        }
      });
    });
  }
}

test.describe('the same drawing', () => {
  test.use({
    colorScheme: 'dark',
    timezoneId: 'UTC',
    bypassCSP: true,
    viewport: { width: 900, height: 700 },
  });

  test('of the server and of the browser covers the same places', async ({ page, serve }) => {
    const server = await serve('--feed', 'none', '--publish-token', grant);
    await still(server, 'STILL', minutes(7));
    await page.goto(`${server.url}/stocks/STILL`);
    await expect(page.locator('figure.drawn')).toBeVisible();
    await page.addStyleTag({ content: BOX });
    const chart = page.getByRole('application', { name: 'Chart of STILL' });
    await expect.poll(async () => (await chart.boundingBox())?.width).toBe(320);
    for (const kind of KINDS) {
      await page.getByRole('combobox', { name: 'Chart type' }).selectOption(kind);
      const { inked, apart } = await page.evaluate(async (kind) => {
        const frame = () => new Promise((next) => requestAnimationFrame(next));
        await frame();
        await frame();
        const image = new Image(320, 220);
        image.src = `/stocks/STILL/chart.svg?width=320&height=220&type=${kind}`;
        await image.decode();
        const read = (draw: (context: CanvasRenderingContext2D) => void) => {
          const canvas = document.createElement('canvas');
          canvas.width = 320;
          canvas.height = 220;
          const context = canvas.getContext('2d')!;
          context.fillStyle = '#0f1419';
          context.fillRect(0, 0, 320, 220);
          draw(context);
          return context.getImageData(0, 0, 320, 220).data;
        };
        const one = read((context) => context.drawImage(image, 0, 0));
        const other = read((context) => {
          for (const layer of document.querySelectorAll<HTMLCanvasElement>('.chart canvas')) {
            context.drawImage(layer, 0, 0);
          }
        });
        // Marks of any colour. Hairlines and faded areas are too close to the background to count.
        const marked = (data: Uint8ClampedArray, x: number, y: number) => {
          const at = (y * 320 + x) * 4;
          const [red, green, blue] = [data[at]!, data[at + 1]!, data[at + 2]!];
          return Math.abs(red - 15) + Math.abs(green - 20) + Math.abs(blue - 25) > 150;
        };
        const near = (data: Uint8ClampedArray, x: number, y: number) => {
          for (let dx = -2; dx <= 2; dx++) {
            for (let dy = -2; dy <= 2; dy++) if (marked(data, x + dx, y + dy)) return true;
          }
          return false;
        };
        let [inked, apart] = [0, 0];
        // Only the plot: the server does not know the widths of the labels' fonts.
        for (let y = 2; y < 190; y++) {
          for (let x = 2; x < 260; x++) {
            const marks = [marked(one, x, y), marked(other, x, y)];
            if (marks[0] || marks[1]) inked++;
            if ((marks[0] && !near(other, x, y)) || (marks[1] && !near(one, x, y))) apart++;
          }
        }
        return { inked, apart };
      }, kind.toLowerCase());
      expect(inked, kind).toBeGreaterThan(220);
      expect(apart / inked, kind).toBeLessThan(0.02);
    }
  });

  test('is the same whether it grew tick by tick or was drawn at once', async ({
    page,
    serve,
    dashboard,
  }) => {
    const server = await serve('--feed', 'none', '--publish-token', grant);
    await still(server, 'STILL', minutes(7));
    await page.goto(`${server.url}/stocks/STILL`);
    await expect(page.locator('figure.drawn')).toBeVisible();
    await page.getByText('Studies').click();
    await page.getByRole('checkbox', { name: 'SMA 20' }).check();
    await page.keyboard.press('Escape');
    let tick = 0;
    for (const kind of KINDS) {
      await page.getByRole('combobox', { name: 'Chart type' }).selectOption(kind);
      for (let n = 0; n < 4; n++) {
        tick++;
        const price = (112 + Math.sin(tick)).toFixed(2);
        const time = begin + 390 * 60_000 + tick * 1_000;
        const volume = String(1_000_000 + tick * 500);
        await publish(server, { event: 'quote', data: { symbol: 'STILL', time, price, volume } });
        await expect.poll(async () => await dashboard.value('price')).toBe(price);
      }
      const apart = await page.evaluate(async () => {
        const frame = () => new Promise((next) => requestAnimationFrame(next));
        const read = () => {
          const layer = document.querySelectorAll<HTMLCanvasElement>('.chart canvas')[1]!;
          const copy = document.createElement('canvas');
          [copy.width, copy.height] = [layer.width, layer.height];
          const context = copy.getContext('2d')!;
          context.drawImage(layer, 0, 0);
          return context.getImageData(0, 0, copy.width, copy.height).data;
        };
        await frame();
        await frame();
        const grown = read();
        // Any change of the root may be another theme, so everything is redrawn.
        document.documentElement.setAttribute('data-anew', String(Math.random()));
        await frame();
        await frame();
        await frame();
        const whole = read();
        let apart = 0;
        for (let at = 0; at < grown.length; at += 4) {
          const differs = [0, 1, 2, 3].some((n) => Math.abs(grown[at + n]! - whole[at + n]!) > 40);
          if (differs) apart++;
        }
        return apart;
      });
      expect(apart, kind).toBeLessThan(8);
    }
  });
});
