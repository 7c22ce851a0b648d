import { resolve } from 'node:path';
import { isAccessible } from '../helpers/axe.ts';
import { Dashboard } from '../helpers/dashboard.ts';
import { expect, test } from '../helpers/journey.ts';
import { root } from '../helpers/server.ts';

const looks = [
  { name: 'dark', colorScheme: 'dark', viewport: { width: 1280, height: 800 } },
  { name: 'light', colorScheme: 'light', viewport: { width: 1280, height: 800 } },
  { name: 'at 900 px', colorScheme: 'light', viewport: { width: 900, height: 800 } },
  { name: 'on a phone', colorScheme: 'dark', viewport: { width: 390, height: 844 } },
] as const;

for (const { name, ...look } of looks) {
  test.describe(name, () => {
    test.use(look);

    test(`the page is accessible and fits ${name}`, async ({
      page,
      market,
      dashboard,
    }, testInfo) => {
      await page.goto(`${market.url}/stocks/GOOG`);
      await dashboard.isLive();
      await dashboard.isDrawn();

      expect(await dashboard.overflow(), 'px wider than the window').toBeLessThanOrEqual(0);
      const cut = await dashboard.watchlist.getByRole('link').evaluateAll((links) =>
        links
          .filter((link) => {
            const end = link.getBoundingClientRect().right;
            return [...link.querySelectorAll('[data-field]')].some((figure) => {
              const { width, right } = figure.getBoundingClientRect();
              return width > 0 && right > end;
            });
          })
          .map((link) => link.textContent),
      );
      expect(cut, 'rows of the watchlist whose numbers are cut off').toEqual([]);
      for (const part of [dashboard.connection, dashboard.link('GOOG'), dashboard.heading]) {
        await expect(part).toBeVisible();
      }
      const box = await dashboard.chart.locator('canvas').first().boundingBox();
      expect(box?.width).toBeGreaterThan(250);
      expect(box?.height).toBeGreaterThan(120);

      const ground = await page.evaluate(() => {
        const grounds = [document.body, document.documentElement].map(
          (element) => getComputedStyle(element).backgroundColor,
        );
        return grounds.find((color) => color !== 'rgba(0, 0, 0, 0)') ?? 'none';
      });
      const [red = 0, green = 0, blue = 0] = (ground.match(/\d+/g) ?? []).map(Number);
      const bright = red + green + blue > 384;
      expect(bright, `a bright ground, ${ground}`).toBe(look.colorScheme === 'light');

      await isAccessible(page, name);

      await testInfo.attach(name, { body: await page.screenshot(), contentType: 'image/png' });
    });
  });
}

test('the chart stays sharp when it is resized and on a dense screen', async ({
  browser,
  market,
}) => {
  const context = await browser.newContext({
    viewport: { width: 1200, height: 800 },
    deviceScaleFactor: 2,
  });
  const page = await context.newPage();
  await page.goto(`${market.url}/stocks/GOOG`);
  const canvas = page.getByRole('region', { name: 'Chart' }).locator('canvas').first();
  const density = async () =>
    await canvas.evaluate((canvas: HTMLCanvasElement) => {
      const { width, height } = canvas.getBoundingClientRect();
      return [canvas.width / width, canvas.height / height];
    });
  const sharp = async () => (await density()).every((value) => Math.abs(value - 2) < 0.02);
  await expect.poll(sharp).toBe(true);
  const before = await canvas.evaluate((canvas: HTMLCanvasElement) => canvas.width);
  await page.setViewportSize({ width: 860, height: 700 });
  await expect
    .poll(async () => await canvas.evaluate((canvas: HTMLCanvasElement) => canvas.width))
    .not.toBe(before);
  await expect.poll(sharp).toBe(true);
  await context.close();
});

// A journey takes the picture of the README, only if asked to: other tests do not change the
// working tree.
test.describe('the picture for the README', () => {
  test.skip(!process.env.TICKERTAPE_SCREENSHOT, 'TICKERTAPE_SCREENSHOT is not set');
  test.use({ colorScheme: 'dark', viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1 });

  test('screenshot', async ({ page, serve, dashboard, browser }) => {
    const server = await serve('--seed', '7');
    await page.goto(`${server.url}/stocks/GOOG`);
    await dashboard.isLive();
    await page.getByRole('combobox', { name: 'Chart type' }).selectOption('Candles');
    await page.getByText('Studies').click();
    await page.getByRole('checkbox', { name: 'SMA 20' }).check();
    await page.getByRole('checkbox', { name: 'VWAP' }).check();
    await page.keyboard.press('Escape');
    await dashboard.isDrawn();
    await dashboard.moves('price');
    await page.screenshot({ path: resolve(root, 'docs/screenshot.png') });

    const phone = await browser.newContext({
      colorScheme: 'light',
      viewport: { width: 390, height: 844 },
    });
    const small = await phone.newPage();
    await small.goto(`${server.url}/stocks/GOOG`);
    await new Dashboard(small).isDrawn();
    await small.screenshot({ path: resolve(root, 'docs/screenshot-phone.png') });
    await phone.close();

    // The frames for scripts/animation: prices that move, and a pointer that moves through the
    // chart.
    const box = (await dashboard.chart.boundingBox())!;
    for (let frame = 0; frame < 40; frame++) {
      if (frame === 14) await page.keyboard.press('c');
      if (frame === 18) await page.keyboard.press('c');
      if (frame === 22) await page.keyboard.press('4');
      const x = box.x + box.width * (0.15 + 0.015 * frame);
      await page.mouse.move(x, box.y + box.height / 2);
      await page.screenshot({
        path: testResult(`frame-${String(frame).padStart(2, '0')}.png`),
        clip: { x: 0, y: 0, width: 960, height: 800 },
      });
    }
  });
});

const testResult = (name: string): string => resolve(root, 'end2end/test-results/frames', name);
