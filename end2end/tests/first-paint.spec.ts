import { expect, test } from '../helpers/journey.ts';

test.describe('without JavaScript', () => {
  // The browser notes that it fetched a script that it may not run.
  test.use({ javaScriptEnabled: false, quiet: false });

  test('a person without JavaScript reads the whole page', async ({ page, market, dashboard }) => {
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
    // It does not claim to be live, and says what to do.
    await expect(dashboard.connection).not.toContainText('Live');
    await expect(page.getByText(/Without JavaScript .*loaded again/)).toBeVisible();
  });

  test('the chart is drawn before any script', async ({ page, market, dashboard }) => {
    await page.goto(`${market.url}/stocks/GOOG`);
    const drawing = dashboard.chart.locator('svg').first();
    await expect(drawing).toBeVisible();
    const box = await drawing.boundingBox();
    expect(box?.width).toBeGreaterThan(300);
    expect(box?.height).toBeGreaterThan(150);
    // The series itself, not only a frame around nothing: one line of many points.
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

test('hydration moves nothing, warns of nothing, and opens one connection', async ({
  page,
  market,
  dashboard,
  console: messages,
}) => {
  const streams: string[] = [];
  page.on('request', (request) => {
    if (request.headers()['accept']?.includes('text/event-stream')) streams.push(request.url());
  });
  await page.addInitScript(() => {
    const shifts: string[] = [];
    Object.assign(window, { shifts });
    // A story that comes in pushes the others down while nobody reads them: that is no flaw of hydration.
    let storyAt = -Infinity;
    new MutationObserver((records) => {
      const came = records.some(({ addedNodes }) =>
        [...addedNodes].some((node) => node.nodeName === 'ARTICLE'),
      );
      if (came) storyAt = performance.now();
    }).observe(document, { childList: true, subtree: true });
    const liesInField = ({ left, right, top, bottom }: DOMRect) =>
      [...document.querySelectorAll('[data-field]')].some((field) => {
        const box = field.getBoundingClientRect();
        const across = left >= box.left - 2 && right <= box.right + 2;
        return across && top >= box.top - 2 && bottom <= box.bottom + 2;
      });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { value, startTime, sources } = entry as PerformanceEntry & {
          value: number;
          sources?: { node?: Node; currentRect: DOMRect }[];
        };
        // A number that gains or loses a digit moves its own digits, and may move nothing else. The ground that
        // flashes behind them is no node, and is known by where it lies.
        const nodes = (sources ?? [])
          .filter(({ node, currentRect }) =>
            node instanceof Element ? !node.closest('[data-field]') : !liesInField(currentRect),
          )
          .map(({ node }) => node);
        if (sources?.length && nodes.length === 0) continue;
        const among = nodes.every((node) => node?.nodeName === 'ARTICLE');
        if (among && Math.abs(startTime - storyAt) < 500) continue;
        const where = nodes.map((node) =>
          node instanceof Element ? node.outerHTML.slice(0, 120) : node?.textContent,
        );
        shifts.push(`${value}: ${where.join(' | ')}`);
      }
    }).observe({ type: 'layout-shift', buffered: true });
  });

  await page.goto(`${market.url}/stocks/GOOG`);
  await dashboard.isLive();
  await dashboard.isDrawn();
  for (let i = 0; i < 3; i++) await dashboard.moves('price');

  expect(await page.evaluate('window.shifts'), 'layout shifts').toEqual([]);
  expect(streams, 'connections').toHaveLength(1);
  expect(messages).toEqual([]);
});
