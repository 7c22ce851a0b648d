import type { Page } from '@playwright/test';
import { expect, test } from '../helpers/journey.ts';
import { TricklingProxy } from '../helpers/trickling-proxy.ts';

test.describe('without JavaScript', () => {
  // The browser logs that it fetched a script that it may not run.
  test.use({ javaScriptEnabled: false, quiet: false });

  test('the whole page is readable without JavaScript', async ({ page, market, dashboard }) => {
    const response = await page.goto(`${market.url}/stocks/GOOG`);
    expect(response?.status()).toBe(200);
    expect(response?.headers()['vary']?.toLowerCase()).toContain('accept');

    await expect(dashboard.heading).toHaveText(/GOOG\s*Alphabet/);
    for (const name of ['price', 'bid', 'ask', 'open', 'high', 'low', 'prev-close', 'volume']) {
      await expect(dashboard.field(name), name).toHaveText(/\d/);
    }
    expect(Number(await dashboard.value('price'))).toBeGreaterThan(0);
    expect(Number(await dashboard.value('bid'))).toBeLessThan(Number(await dashboard.value('ask')));

    const links = dashboard.watchlist.getByRole('link');
    expect(await links.count()).toBeGreaterThanOrEqual(5);
    await expect(dashboard.link('GOOG')).toHaveAttribute('aria-current', 'page');
    await expect(dashboard.link('AAPL')).toHaveText(/AAPL[\s\S]*\d/);

    await expect(dashboard.stories.first()).toHaveText(/\w/);
    expect(await dashboard.stories.count()).toBeGreaterThan(0);
    await expect(page.getByRole('banner')).toContainText('Simulated');
    // It does not claim to be live, and tells people what to do.
    await expect(dashboard.connection).not.toContainText('Live');
    await expect(page.getByText(/Without JavaScript .* cannot follow the market/)).toBeVisible();
    // It is reloaded only by a link, and never by itself.
    await expect(page.locator('meta[http-equiv="refresh"]')).toHaveCount(0);
    const fallback = page.getByText(/^Without JavaScript/);
    const shown = await fallback.innerText();
    expect(shown).toMatch(/It shows \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/);
    await page.getByRole('link', { name: 'Load again' }).click();
    await expect(fallback).not.toHaveText(shown);
    await expect(page).toHaveURL(/\/stocks\/GOOG$/);
  });

  test('the chart is drawn before any script', async ({ page, market, dashboard }) => {
    await page.goto(`${market.url}/stocks/GOOG`);
    const drawing = dashboard.chart.locator('.chart-still');
    await expect(drawing).toBeVisible();
    const box = await drawing.boundingBox();
    expect(box?.width).toBeGreaterThan(300);
    expect(box?.height).toBeGreaterThan(150);
    // The series itself: one line of many points.
    const points = await drawing.evaluate((svg) => {
      const lengths = [...svg.querySelectorAll('polyline, polygon, path')].map(
        (shape) =>
          (shape.getAttribute('points') ?? shape.getAttribute('d') ?? '').match(/-?\d+(\.\d+)?/g)
            ?.length ?? 0,
      );
      return Math.max(0, ...lengths) / 2;
    });
    expect(points).toBeGreaterThan(10);
    expect(await drawing.locator('text').allTextContents()).toContainEqual(
      expect.stringMatching(/\d/),
    );
  });

  test('links of the watchlist work without JavaScript', async ({ page, market, dashboard }) => {
    await page.goto(`${market.url}/stocks/GOOG`);
    await dashboard.link('AAPL').click();
    await expect(page).toHaveURL(/\/stocks\/AAPL/);
    await expect(dashboard.heading).toHaveText(/AAPL/);
  });
});

/** Records in `window.shifts` what moves by itself. */
async function watchShifts(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const shifts: string[] = [];
    Object.assign(window, { shifts });
    // A new story may push others down while they are not read. They move in the next frame,
    // however late that is.
    const stories: { from: number; until: number }[] = [];
    new MutationObserver((records) => {
      const came = records.some(({ addedNodes }) =>
        [...addedNodes].some((node) => node.nodeName === 'ARTICLE'),
      );
      if (!came) return;
      const span = { from: performance.now(), until: Infinity };
      stories.push(span);
      requestAnimationFrame(() =>
        requestAnimationFrame(() => {
          span.until = performance.now();
        }),
      );
    }).observe(document, { childList: true, subtree: true });
    // A number that gains or loses a digit may move only its own digits.
    const isOfField = (node: Node | null, { left, right, top, bottom }: DOMRect) => {
      const element = node instanceof Element ? node : node?.parentElement;
      if (element) return element.closest('[data-field]') !== null;
      // The flashing background of digits is not a node, and is recognized by its position. The
      // number may be shorter by now, so its container counts.
      return [...document.querySelectorAll('[data-field]')].some((field) => {
        const box = field.parentElement!.getBoundingClientRect();
        const across = left >= box.left - 2 && right <= box.right + 2;
        return across && top >= box.top - 2 && bottom <= box.bottom + 2;
      });
    };
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { value, startTime, sources } = entry as PerformanceEntry & {
          value: number;
          sources?: { node: Node | null; previousRect: DOMRect; currentRect: DOMRect }[];
        };
        const others = (sources ?? []).filter(
          ({ node, currentRect }) => !isOfField(node, currentRect),
        );
        if (sources?.length && others.length === 0) continue;
        const among = others.every(({ node }) => node?.nodeName === 'ARTICLE');
        if (among && stories.some(({ from, until }) => from <= startTime && startTime <= until)) {
          continue;
        }
        const place = ({ left, top, width, height }: DOMRect) =>
          [left, top, width, height].map(Math.round).join(' ');
        const where = others.map(({ node, previousRect, currentRect }) => {
          const what = node instanceof Element ? node.outerHTML.slice(0, 120) : node?.textContent;
          return `${what} from ${place(previousRect)} to ${place(currentRect)}`;
        });
        shifts.push(`${value} at ${startTime}: ${where.join(' | ')}`);
      }
    }).observe({ type: 'layout-shift', buffered: true });
  });
}

test('hydration moves nothing, logs no warning, and opens one connection', async ({
  page,
  market,
  dashboard,
  console: messages,
}) => {
  const streams: string[] = [];
  page.on('request', (request) => {
    if (request.headers()['accept']?.includes('text/event-stream')) streams.push(request.url());
  });
  await watchShifts(page);

  await page.goto(`${market.url}/stocks/GOOG`);
  await dashboard.isLive();
  await dashboard.isDrawn();
  for (let i = 0; i < 3; i++) await dashboard.moves('price');

  expect(await page.evaluate('window.shifts'), 'layout shifts').toEqual([]);
  expect(streams, 'connections').toHaveLength(1);
  expect(messages).toEqual([]);
});

test('a page that arrives in pieces is shown at once, and moves nothing either', async ({
  page,
  market,
  dashboard,
}) => {
  // In the middle of elements whose size depends on their content.
  const cuts = /class="(mark|row-name|quote-name|quote-details|kind|story-foot)"[^>]*>/g;
  const line = await TricklingProxy.before(market.address, cuts, 40);
  try {
    await watchShifts(page);
    await page.goto(`${line.url}/stocks/GOOG`);
    await dashboard.isLive();
    await dashboard.isDrawn();
    expect(await page.evaluate('window.shifts'), 'layout shifts').toEqual([]);
  } finally {
    await line.close();
  }
});
