import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from '../helpers/journey.ts';

test.describe('what does not belong to the page', () => {
  // This test violates the policy on purpose.
  test.use({ quiet: false, keepsPolicy: false });

  test('is not run, not loaded and not sent, and the page continues', async ({
    page,
    market,
    dashboard,
  }) => {
    await page.addInitScript(() => {
      const violations: string[] = [];
      Object.assign(window, { violations });
      document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) =>
        violations.push(effectiveDirective),
      );
    });
    await page.goto(`${market.url}/stocks/GOOG`);
    await dashboard.isLive();
    const before = await dashboard.isDrawn();
    expect(await page.evaluate('window.violations'), 'before anybody tried').toEqual([]);

    const ran = await page.evaluate(async () => {
      const add = (html: string) => document.body.insertAdjacentHTML('beforeend', html);
      add('<img src="data:," onerror="window.byHandler = true">');
      add('<a id="link" href="javascript:window.byLink = true">link</a>');
      add('<iframe src="/"></iframe>');
      const script = document.createElement('script');
      script.textContent = 'window.byScript = true';
      document.body.append(script);
      const style = document.createElement('style');
      style.textContent = 'body { visibility: hidden }';
      document.head.append(style);
      document.getElementById('link')!.click();
      const sent = await fetch('https://example.org/').then(
        () => true,
        () => false,
      );
      return { sent, hidden: getComputedStyle(document.body).visibility === 'hidden' };
    });
    expect(ran).toEqual({ sent: false, hidden: false });
    await expect
      .poll(async () => [...new Set((await page.evaluate('window.violations')) as string[])].sort())
      .toEqual([
        'connect-src',
        'frame-src',
        'script-src-attr',
        'script-src-elem',
        'style-src-elem',
      ]);
    expect(await page.evaluate('[window.byHandler, window.byLink, window.byScript]')).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    await dashboard.moves('price');
    await dashboard.redraws(before);
  });
});

test.describe('in a frame', () => {
  // The browser logs the frame that it leaves empty.
  test.use({ quiet: false, keepsPolicy: false });

  test('another site cannot show the page, and one that is named can', async ({ page, serve }) => {
    const wall = createServer((request, response) => {
      const { searchParams } = new URL(request.url ?? '', 'http://localhost');
      response.setHeader('content-type', 'text/html');
      response.end(`<iframe width="900" height="600" src="${searchParams.get('of')}"></iframe>`);
    });
    await new Promise<void>((resolve) => wall.listen(0, '127.0.0.1', resolve));
    try {
      const origin = `http://127.0.0.1:${(wall.address() as AddressInfo).port}`;
      const closed = await serve('--seed', '7');
      const open = await serve('--seed', '7', '--frame-ancestors', `self ${origin}`);
      const quote = page.frameLocator('iframe').getByRole('region', { name: 'Quote' });

      await page.goto(`${origin}/?of=${open.url}/stocks/GOOG`);
      await expect(quote).toContainText('GOOG');
      const answer = page.waitForEvent('requestfailed', (request) =>
        request.url().startsWith(closed.url),
      );
      await page.goto(`${origin}/?of=${closed.url}/stocks/GOOG`);
      expect((await answer).failure()?.errorText).toBe('net::ERR_BLOCKED_BY_RESPONSE');
      await expect(quote).toBeHidden();
    } finally {
      wall.closeAllConnections();
      await new Promise((resolve) => wall.close(resolve));
    }
  });
});
