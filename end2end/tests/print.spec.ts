import { inflateSync } from 'node:zlib';
import { AxeBuilder } from '@axe-core/playwright';
import { expect, test } from '../helpers/journey.ts';

for (const colorScheme of ['dark', 'light'] as const) {
  test.describe(`from a ${colorScheme} screen`, () => {
    test.use({ colorScheme });

    test.beforeEach(async ({ page, market, dashboard }) => {
      await page.goto(`${market.url}/stocks/GOOG`);
      await dashboard.isLive();
      await dashboard.isDrawn();
    });

    test(`a page is printed in dark on white, with its chart and without buttons`, async ({
      page,
      dashboard,
    }, testInfo) => {
      // The browser's event before it prints.
      await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
      await page.emulateMedia({ media: 'print', colorScheme });
      await page.setViewportSize({ width: 794, height: 1123 });

      await expect(dashboard.heading).toBeVisible();
      await expect(dashboard.quote.getByText(/^As of \d{4}-\d\d-\d\d/)).toBeVisible();
      await expect(dashboard.stories.first()).toBeVisible();
      await expect(dashboard.link('AAPL')).toBeVisible();
      await expect(dashboard.connection).toBeHidden();
      // Marks of the price are not buttons on paper, but are printed.
      const buttons = page.getByRole('button').filter({ visible: true });
      await expect(buttons).toHaveText(['Simulated']);
      for (const role of ['combobox', 'textbox', 'searchbox', 'checkbox'] as const) {
        await expect(page.getByRole(role).filter({ visible: true })).toHaveCount(0);
      }
      expect(await dashboard.overflow(), 'px wider than the paper').toBeLessThanOrEqual(0);

      const ground = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
      expect(ground).toBe('rgb(255, 255, 255)');
      const { violations } = await new AxeBuilder({ page }).withRules(['color-contrast']).analyze();
      expect(violations.flatMap(({ nodes }) => nodes.map((node) => node.html))).toEqual([]);
      await testInfo.attach('page', {
        body: await page.screenshot({ fullPage: true }),
        contentType: 'image/png',
      });
      await page.evaluate(() => dispatchEvent(new Event('afterprint')));
      await expect(page.locator('html')).not.toHaveAttribute('data-theme');
    });

    test(`the printed chart has its line and its axes`, async ({
      page,
      dashboard,
    }, testInfo) => {
      const body = await page.pdf({ format: 'A4' });
      await testInfo.attach('paper', { body, contentType: 'application/pdf' });
      const layers = pictures(body);
      expect(layers, 'pictures on the paper').toHaveLength(3);
      const [axes, series, overlay] = layers;
      expect(axes!.ink, 'dots of the grid and its words').toBeGreaterThan(1000);
      expect(series!.ink, 'dots of the price and its volume').toBeGreaterThan(10_000);
      expect(overlay!.ink, 'dots of the newest price').toBeGreaterThan(500);
      // In the proportions of the screen, as wide as the paper allows.
      const drawn = await dashboard.chart.locator('canvas').first().boundingBox();
      expect(axes!.width / axes!.height).toBeCloseTo(drawn!.width / drawn!.height, 1);
      // In the colours of the light theme for any theme of the screen: labels of the axis are dark.
      expect(axes!.darkest, 'the darkest of the words, of 255').toBeLessThan(130);
      await expect(page.locator('html')).not.toHaveAttribute('data-theme');
    });
  });
}

type Picture = { width: number; height: number; ink: number; darkest: number };

/**
 * The pictures in a PDF of Chromium, in order: how many pixels of each are opaque, and how dark
 * they are.
 */
function pictures(document: Buffer): Picture[] {
  const text = document.toString('latin1');
  const objects = new Map<string, { head: string; content: Buffer }>();
  for (const found of text.matchAll(/(\d+) 0 obj\n<<(.*?)>> stream\n/gs)) {
    const [all, number, head] = found;
    const start = found.index + all.length;
    const length = Number(/\/Length (\d+)/.exec(head!)?.[1]);
    if (!/\/Subtype \/Image/.test(head!)) continue;
    const content = inflateSync(document.subarray(start, start + length));
    objects.set(number!, { head: head!, content });
  }
  return [...objects.values()].flatMap(({ head, content }) => {
    const mask = /\/SMask (\d+) 0 R/.exec(head);
    if (!mask) return [];
    const clear = objects.get(mask[1]!)!.content;
    const [width, height] = ['Width', 'Height'].map((side) =>
      Number(new RegExp(`/${side} (\\d+)`).exec(head)?.[1]),
    ) as [number, number];
    let [ink, darkest] = [0, 255];
    for (let at = 0; at < clear.length; at += 1) {
      if (clear[at]! === 0) continue;
      ink += 1;
      // Only opaque pixels have their own colour.
      if (clear[at]! > 250) darkest = Math.min(darkest, Math.max(...content.subarray(3 * at, 3 * at + 3)));
    }
    return [{ width, height, ink, darkest }];
  });
}
