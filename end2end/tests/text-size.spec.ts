import type { Page } from '@playwright/test';
import { expect, test } from '../helpers/journey.ts';

/** Texts and controls that overlap although neither contains the other, by their texts. */
async function overlaps(page: Page): Promise<string[]> {
  return await page.evaluate(() => {
    const within = 'header, nav[aria-label="Watchlist"] li, .quote, .news-filter, .story, .list-tools';
    const found: string[] = [];
    for (const part of document.querySelectorAll(within)) {
      const boxes = [...part.querySelectorAll('*')]
        .filter((element) => element.checkVisibility({ visibilityProperty: true }))
        .filter((element) => !element.closest('.words-only, .announcer, .popover, dialog, option'))
        .filter((element) =>
          [...element.childNodes].some(
            (node) => node.nodeType === Node.TEXT_NODE && node.textContent!.trim() !== '',
          ),
        )
        // Line by line: a wrapped text covers nothing beside its first line.
        .flatMap((element) => [...element.getClientRects()].map((box) => ({ element, box })))
        .filter(({ box }) => box.width > 1 && box.height > 1);
      for (const [at, one] of boxes.entries()) {
        for (const other of boxes.slice(at + 1)) {
          if (one.element.contains(other.element) || other.element.contains(one.element)) continue;
          const across = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
          const down = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
          if (across > 2 && down > 4) {
            found.push(`${one.element.textContent!.trim()} | ${other.element.textContent!.trim()}`);
          }
        }
      }
    }
    return found;
  });
}

const sizes = [
  { width: 1280, height: 800 },
  { width: 390, height: 844 },
];

for (const viewport of sizes) {
  test.describe(`at ${viewport.width} px`, () => {
    test.use({ viewport });

    test('text of twice the size fits, and nothing overlaps', async ({
      page,
      market,
      dashboard,
    }, testInfo) => {
      await page.addInitScript(() => {
        addEventListener('DOMContentLoaded', () => {
          document.documentElement.style.fontSize = '200%';
        });
      });
      await page.goto(`${market.url}/stocks/GOOG`);
      await dashboard.isLive();
      expect(await dashboard.overflow(), 'px wider than the window').toBeLessThanOrEqual(0);
      expect(await overlaps(page)).toEqual([]);
      await testInfo.attach('twice', { body: await page.screenshot(), contentType: 'image/png' });
    });
  });
}

for (const size of [24, 32]) {
  test(`a browser whose text is ${size} px high gets the layout that has room for it`, async ({
    playwright,
    market,
    launchOptions,
  }, testInfo) => {
    const browser = await playwright.chromium.launch({
      ...launchOptions,
      args: [...(launchOptions.args ?? []), `--blink-settings=defaultFontSize=${size}`],
    });
    for (const viewport of sizes) {
      const page = await browser.newPage({ viewport });
      await page.goto(`${market.url}/stocks/GOOG`);
      await expect(page.getByRole('group', { name: 'Connection' })).toHaveText(/^\s*Live/);
      const font = await page.evaluate(() => getComputedStyle(document.documentElement).fontSize);
      expect(font).toBe(`${size}px`);
      const wider = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(wider, `px wider than ${viewport.width}`).toBeLessThanOrEqual(0);
      expect(await overlaps(page)).toEqual([]);
      // The news are below the chart: 1280 px are only 53 letters of 24 px.
      const [chart, news] = [
        (await page.getByRole('region', { name: 'Chart' }).boundingBox())!,
        (await page.getByRole('region', { name: 'News' }).boundingBox())!,
      ];
      expect(news.y).toBeGreaterThanOrEqual(chart.y + chart.height);
      await testInfo.attach(`${size} at ${viewport.width}`, {
        body: await page.screenshot(),
        contentType: 'image/png',
      });
    }
    await browser.close();
  });
}
