import { expect, type Locator, type Page } from '@playwright/test';

/**
 * Longer than a halt of the simulated market, in ms: until then a stock may rightly stand still.
 */
const HALT = 130_000;

/** The content of a chart's canvases. */
export interface Pixels {
  /** The number of colours of the canvas that has the most. */
  colours: number;
  /** A checksum of all pixels. */
  hash: number;
}

/** The page, by roles and labels. */
export class Dashboard {
  readonly connection: Locator;
  readonly watchlist: Locator;
  readonly quote: Locator;
  readonly chart: Locator;
  readonly news: Locator;

  constructor(readonly page: Page) {
    this.connection = page.getByRole('group', { name: 'Connection' });
    this.watchlist = page.getByRole('navigation', { name: 'Watchlist' });
    this.quote = page.getByRole('region', { name: 'Quote' });
    this.chart = page.getByRole('region', { name: 'Chart' });
    this.news = page.getByRole('region', { name: 'News' });
  }

  /** The notes of the page. */
  note(text: string | RegExp): Locator {
    return this.page.getByRole('status').getByRole('paragraph').filter({ hasText: text });
  }

  /** The symbols of the watchlist, in order. */
  async symbols(): Promise<(string | null)[]> {
    return await this.watchlist
      .getByRole('link')
      .evaluateAll((links) => links.map((link) => link.getAttribute('data-symbol')));
  }

  get heading(): Locator {
    return this.quote.getByRole('heading', { level: 1 });
  }

  get stories(): Locator {
    return this.news.getByRole('article');
  }

  /** A symbol's link in the watchlist. */
  link(symbol: string): Locator {
    return this.watchlist.locator(`a[data-symbol="${symbol}"]`);
  }

  /** A value of the open symbol, or of a link in the watchlist. */
  field(name: string, within: Locator = this.quote): Locator {
    return within.locator(`[data-field="${name}"]`).first();
  }

  /** A value as on the wire. */
  async value(name: string, within: Locator = this.quote): Promise<string> {
    const value = await this.field(name, within).getAttribute('data-value');
    if (value === null) throw new Error(`${name} has no data-value`);
    return value;
  }

  async isLive(): Promise<void> {
    await expect(this.connection).toHaveText(/^\s*Live/);
  }

  /** Waits until a value changes. */
  async moves(name: string, within: Locator = this.quote): Promise<void> {
    const now = await this.value(name, within);
    await expect(this.field(name, within)).not.toHaveAttribute('data-value', now, {
      timeout: HALT,
    });
  }

  /** The number of points of the chart, by its own count. */
  async points(): Promise<number> {
    return Number(await this.chart.locator('[data-points]').getAttribute('data-points'));
  }

  /** Reads the chart's canvases through a copy, so that the browser keeps them where it draws fastest. */
  async pixels(): Promise<Pixels> {
    return await this.chart.locator('canvas').evaluateAll((canvases) => {
      let colours = 0;
      let hash = 0x811c9dc5;
      for (const canvas of canvases as HTMLCanvasElement[]) {
        if (canvas.width === 0 || canvas.height === 0) continue;
        const copy = document.createElement('canvas');
        copy.width = canvas.width;
        copy.height = canvas.height;
        const context = copy.getContext('2d', { willReadFrequently: true })!;
        context.drawImage(canvas, 0, 0);
        const data = new Uint32Array(
          context.getImageData(0, 0, copy.width, copy.height).data.buffer,
        );
        const seen = new Set<number>();
        for (const pixel of data) {
          seen.add(pixel);
          hash = Math.imul(hash ^ pixel, 0x01000193);
        }
        colours = Math.max(colours, seen.size);
      }
      return { colours, hash };
    });
  }

  /** Waits until the chart shows a history: more than a background and a line of one colour. */
  async isDrawn(points = 20): Promise<Pixels> {
    await expect.poll(async () => await this.points()).toBeGreaterThanOrEqual(points);
    await expect.poll(async () => (await this.pixels()).colours).toBeGreaterThan(3);
    return await this.pixels();
  }

  async redraws(before: Pixels): Promise<void> {
    await expect
      .poll(async () => (await this.pixels()).hash, { timeout: HALT })
      .not.toBe(before.hash);
  }

  /** Chooses settings. */
  async choose(...choices: string[]): Promise<void> {
    await this.page.getByRole('button', { name: 'Settings' }).click();
    for (const choice of choices) await this.page.getByRole('radio', { name: choice, exact: true }).check();
    await this.page.keyboard.press('Escape');
  }

  /** Whether anything is wider than the window. */
  async overflow(): Promise<number> {
    return await this.page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      return scrollWidth - clientWidth;
    });
  }
}
