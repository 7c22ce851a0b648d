import { AxeBuilder } from '@axe-core/playwright';
import { expect, test } from '../helpers/journey.ts';

for (const colorScheme of ['dark', 'light'] as const) {
  test.describe(`from a ${colorScheme} screen`, () => {
    test.use({ colorScheme });

    test(`a page is printed in dark on white, with its chart and nothing to press`, async ({
      page,
      market,
      dashboard,
    }, testInfo) => {
      await page.goto(`${market.url}/stocks/GOOG`);
      await dashboard.isLive();
      await dashboard.isDrawn();
      // What the browser says before it prints.
      await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
      await page.emulateMedia({ media: 'print', colorScheme });
      await page.setViewportSize({ width: 794, height: 1123 });

      await expect(dashboard.heading).toBeVisible();
      await expect(dashboard.quote.getByText(/^As of \d{4}-\d\d-\d\d/)).toBeVisible();
      await expect(dashboard.stories.first()).toBeVisible();
      await expect(dashboard.link('AAPL')).toBeVisible();
      await expect(dashboard.connection).toBeHidden();
      // What has to be known of the price is no button on paper, but it is there.
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
      // The chart as it would be on paper: a dark line on white, whatever the screen was.
      const shot = await dashboard.chart.locator('canvas').first().screenshot();
      await testInfo.attach('chart', { body: shot, contentType: 'image/png' });
      const ink = await page.evaluate(async (bytes) => {
        const bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes)]));
        const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
        const context = canvas.getContext('2d')!;
        context.drawImage(bitmap, 0, 0);
        const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
        let [white, accent] = [0, 0];
        for (let at = 0; at < data.length; at += 4) {
          const [red, green, blue] = [data[at]!, data[at + 1]!, data[at + 2]!];
          if (Math.min(red, green, blue) > 240) white += 4 / data.length;
          if (red < 80 && blue - red > 60) accent += 1;
        }
        return { white, accent };
      }, [...shot]);
      expect(ink.white, 'the part of the chart that stays white').toBeGreaterThan(0.4);
      expect(ink.accent, 'pixels of the line of the price').toBeGreaterThan(300);
      await testInfo.attach('page', {
        body: await page.screenshot({ fullPage: true }),
        contentType: 'image/png',
      });
      await page.evaluate(() => dispatchEvent(new Event('afterprint')));
      await expect(page.locator('html')).not.toHaveAttribute('data-theme');
    });
  });
}
