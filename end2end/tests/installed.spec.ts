import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from '@playwright/test';
import { expect, test } from '../helpers/journey.ts';

/** Waits until the worker controls the page. */
async function isInstalled(page: Page): Promise<void> {
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready;
    if (!navigator.serviceWorker.controller) {
      await new Promise((done) =>
        navigator.serviceWorker.addEventListener('controllerchange', done, { once: true }),
      );
    }
  });
}

/** The addresses that the worker has cached, without their origin. */
async function kept(page: Page): Promise<string[]> {
  return await page.evaluate(async () => {
    const paths: string[] = [];
    for (const name of await caches.keys()) {
      for (const { url } of await (await caches.open(name)).keys()) paths.push(new URL(url).pathname);
    }
    return paths.sort();
  });
}

test('the page can be installed: manifest and icons are correct', async ({
  page,
  market,
}) => {
  await page.goto(`${market.url}/stocks/GOOG`);
  const address = await page.locator('link[rel="manifest"]').getAttribute('href');
  const answer = await page.request.get(`${market.url}${address}`);
  expect(answer.headers()['content-type']).toBe('application/manifest+json');
  const manifest = await answer.json();
  expect(manifest).toMatchObject({ name: 'Tickertape', display: 'standalone', start_url: '/' });
  const sizes = [];
  for (const { src, sizes: declared, type } of manifest.icons) {
    const icon = await page.request.get(`${market.url}${src}`);
    expect(icon.status(), src).toBe(200);
    expect(icon.headers()['content-type'], src).toBe(type);
    if (type !== 'image/png') continue;
    const body = await icon.body();
    expect(`${body.readUInt32BE(16)}x${body.readUInt32BE(20)}`, src).toBe(declared);
    sizes.push(declared);
  }
  expect(sizes).toEqual(['192x192', '512x512', '512x512']);
  // The browser reports no errors in the manifest.
  const { errors } = await (await page.context().newCDPSession(page)).send('Page.getAppManifest');
  expect(errors).toEqual([]);
});

test.describe('a browser that may keep a worker', () => {
  // The browser logs that the server cannot be reached.
  test.use({ serviceWorkers: 'allow', quiet: false });

  test('shows since when the server cannot be reached, shows no old data, and recovers by itself', async ({
    page,
    serve,
    dashboard,
  }) => {
    const server = await serve('--seed', '7');
    await page.goto(`${server.url}/stocks/GOOG`);
    await dashboard.isLive();
    await isInstalled(page);
    await expect
      .poll(() => page.evaluate(() => localStorage.getItem('tickertape:heard')))
      .toMatch(/^1 \d+$/);
    const price = await dashboard.value('price');
    await server.kill();

    await page.goto(`${server.url}/stocks/GOOG?of=open`);
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(
      'The server cannot be reached',
    );
    await expect(page.getByText(/It was last heard at .*\d:\d\d/)).toBeVisible();
    await expect(page.getByRole('main')).not.toContainText(price);
    await expect(page.getByRole('main')).not.toContainText('GOOG');
    await expect(page.getByRole('status')).toHaveText(/^Tried at .* the next try is in \d+ s/, {
      timeout: 10_000,
    });

    await server.start();
    await dashboard.isLive();
    await expect(page).toHaveURL(`${server.url}/stocks/GOOG?of=open`);
    await expect(dashboard.heading).toHaveText(/GOOG\s*Alphabet/);
  });

  test('caches no page, no data and no stream', async ({ page, serve, dashboard }) => {
    const server = await serve('--seed', '7');
    await page.goto(`${server.url}/stocks/GOOG`);
    await dashboard.isLive();
    await isInstalled(page);
    await page.reload();
    await dashboard.isLive();
    await dashboard.link('AAPL').click();
    await dashboard.isDrawn();
    await dashboard.moves('price');
    const paths = await kept(page);
    expect(paths).toEqual(expect.arrayContaining(['/offline', '/offline.css', '/offline.js']));
    // Besides these only files whose names have the hash of their content.
    const others = paths.filter((path) => !path.startsWith('/offline'));
    expect(others.filter((path) => !/^\/pkg\/\w+\.[\w-]{22}\.(css|js|wasm)$/.test(path))).toEqual([]);
  });

  test('uses a new version of the server at once', async ({ page, serve, dashboard }) => {
    const server = await serve('--seed', '7');
    let version = 1;
    // A proxy that changes the version in pages and the worker.
    const proxy = createServer((incoming, outgoing) => {
      const { url: path, method, headers } = incoming;
      const asked = { ...headers, 'accept-encoding': 'identity' };
      const onwards = request({ ...server.address, path, method, headers: asked }, (answer) => {
        const type = answer.headers['content-type'] ?? '';
        const isWorker = path === '/sw.js';
        // The inserted text changes the length.
        if (isWorker) delete answer.headers['content-length'];
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        if (!isWorker && !type.startsWith('text/html')) return void answer.pipe(outgoing);
        let text = '';
        answer.setEncoding('utf8').on('data', (part: string) => (text += part));
        answer.on('end', () => {
          const body = isWorker
            ? text.replace("'tickertape ", `'tickertape ${version}-`)
            : text.replace('<html lang="en"', `<html lang="en" data-version="${version}"`);
          outgoing.end(body);
        });
      });
      onwards.on('error', () => outgoing.destroy());
      outgoing.on('close', () => onwards.destroy());
      incoming.pipe(onwards);
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
      const html = page.locator('html');
      await page.goto(`${url}/stocks/GOOG`);
      await isInstalled(page);
      await expect(html).toHaveAttribute('data-version', '1');
      const caches = () => page.evaluate(async () => await window.caches.keys());
      expect(await caches()).toEqual([expect.stringMatching(/^tickertape 1-/)]);

      version = 2;
      await page.goto(`${url}/stocks/AAPL`);
      await expect(html).toHaveAttribute('data-version', '2');
      await dashboard.isLive();
      // The new worker takes over, and the old cache is gone.
      await expect.poll(caches).toEqual([expect.stringMatching(/^tickertape 2-/)]);
    } finally {
      proxy.closeAllConnections();
      await new Promise((resolve) => proxy.close(resolve));
    }
  });

  test('installs nothing where the page is not secure, and the page is whole', async ({
    page,
    serve,
    dashboard,
  }) => {
    // A host name other than localhost, without TLS.
    const server = await serve('--seed', '7');
    await page.context().route('http://tickertape.example/**', async (route) => {
      const path = new URL(route.request().url()).pathname;
      const answer = await route.fetch({ url: `${server.url}${path}` });
      await route.fulfill({ response: answer });
    });
    await page.goto('http://tickertape.example/stocks/GOOG');
    await expect(dashboard.heading).toHaveText(/GOOG\s*Alphabet/);
    expect(await page.evaluate(() => isSecureContext)).toBe(false);
    expect(await page.evaluate(() => 'serviceWorker' in navigator)).toBe(false);
    await expect(dashboard.field('price')).toHaveText(/\d/);
    // Pending requests do not matter.
    await page.context().unrouteAll({ behavior: 'ignoreErrors' });
  });
});
