import type { Page } from '@playwright/test';
import { expect, test } from '../helpers/journey.ts';
import { grant } from '../helpers/publish.ts';
import type { Server } from '../helpers/server.ts';
import { minutes, still } from '../helpers/still.ts';

// The server draws in UTC, since it does not know the reader's time zone.
test.use({ timezoneId: 'UTC', colorScheme: 'dark', bypassCSP: true });

/**
 * Compares where two pictures have marks. They are given as base64 and decoded on a separate page.
 */
async function compare(page: Page, one: Buffer, other: Buffer) {
  return await page.evaluate(
    async (pictures) => {
      const [one, other] = await Promise.all(
        pictures.map(async (picture) => {
          const image = new Image();
          image.src = `data:image/png;base64,${picture}`;
          await image.decode();
          const canvas = document.createElement('canvas');
          [canvas.width, canvas.height] = [image.width, image.height];
          const context = canvas.getContext('2d')!;
          context.drawImage(image, 0, 0);
          return context.getImageData(0, 0, canvas.width, canvas.height);
        }),
      );
      const { width, height } = one!;
      // Hairlines and faded areas are too close to the background to count.
      const marked = ({ data }: ImageData, x: number, y: number) => {
        const at = (y * width + x) * 4;
        return Math.abs(data[at]! - 15) + Math.abs(data[at + 1]! - 20) + Math.abs(data[at + 2]! - 25) > 150;
      };
      const near = (image: ImageData, x: number, y: number) => {
        for (let dx = -2; dx <= 2; dx++) {
          for (let dy = -2; dy <= 2; dy++) if (marked(image, x + dx, y + dy)) return true;
        }
        return false;
      };
      let [inked, apart] = [0, 0];
      for (let y = 2; y < height - 2; y++) {
        for (let x = 2; x < width - 2; x++) {
          const marks = [marked(one!, x, y), marked(other!, x, y)];
          if (marks[0] || marks[1]) inked++;
          if ((marks[0] && !near(other!, x, y)) || (marks[1] && !near(one!, x, y))) apart++;
        }
      }
      return { sizes: [one!, other!].map(({ width, height }) => `${width} × ${height}`), inked, apart };
    },
    [one, other].map((picture) => picture.toString('base64')),
  );
}

for (const width of [390, 1280, 1920]) {
  test.describe(`${width} pixels wide`, () => {
    test.use({ viewport: { width, height: 900 } });

    test('the server draws everything in the same place as the canvases, including labels', async ({
      page,
      browser,
      serve,
    }) => {
      const server: Server = await serve('--feed', 'none', '--publish-token', grant);
      await still(server, 'STILL', minutes(7));
      await still(server, 'OTHER', minutes(11, 390, 40));
      const plain = await browser.newContext({
        viewport: { width, height: 900 },
        javaScriptEnabled: false,
        colorScheme: 'dark',
      });
      const before = await plain.newPage();
      const reader = await browser.newPage();
      const looks = ['', 'chart=1D,candles,linear,sma20', 'chart=1h,bars,log', 'chart=1D,line&compare=OTHER'];
      for (const look of looks) {
        const address = `${server.url}/stocks/STILL?${look}`;
        await before.goto(address);
        await page.goto(address);
        await expect(page.locator('figure.drawn')).toBeVisible();
        const figure = (of: Page) => of.locator('figure.chart');
        // The earlier page differs only by a sentence at its end.
        expect((await figure(before).boundingBox())!.width, look).toBe(
          (await figure(page).boundingBox())!.width,
        );
        const canvases = await figure(page).screenshot();
        // The server's drawing in the same box, at the same moment.
        await page.addStyleTag({
          content: `.chart.drawn .chart-still { visibility: visible !important }
            .chart.drawn canvas { visibility: hidden !important }`,
        });
        const drawing = await figure(page).screenshot();
        const { sizes, inked, apart } = await compare(reader, drawing, canvases);
        expect(sizes[0]).toBe(sizes[1]);
        expect(inked, look).toBeGreaterThan(1_000);
        if (process.env.KEEP_STILLS !== undefined) {
          const { writeFile } = await import('node:fs/promises');
          const name = look.replace(/\W+/g, '-') || 'plain';
          await writeFile(`${process.env.KEEP_STILLS}/${width}-${name}-server.png`, drawing);
          await writeFile(`${process.env.KEEP_STILLS}/${width}-${name}-canvas.png`, canvases);
        }
        expect(apart / inked, `${look}: ${apart} of ${inked} pixels`).toBeLessThan(0.03);
      }
      await plain.close();
      await reader.close();
    });
  });
}
