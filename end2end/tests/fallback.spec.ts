import { BufferingProxy } from '../helpers/buffering-proxy.ts';
import { expect, test } from '../helpers/journey.ts';

const held = ['hold body', 'hold all'] as const;

for (const treatment of held) {
  test(`if a proxy would ${treatment} of the stream, the page polls, shows it, and returns to the stream when it passes`, async ({
    page,
    serve,
    dashboard,
  }) => {
    const server = await serve('--seed', '7');
    const proxy = await BufferingProxy.before(server.address, treatment);
    try {
      await page.goto(`${proxy.url}/stocks/GOOG`);
      await expect(dashboard.connection).toHaveText('Live (polling)', { timeout: 10_000 });
      await expect(dashboard.connection).toHaveAttribute('title', /holds the stream back/);
      const before = await dashboard.isDrawn();
      await dashboard.moves('price');
      await dashboard.moves('price', dashboard.link('AAPL'));
      await dashboard.redraws(before);
      await dashboard.link('AAPL').click();
      await expect(dashboard.heading).toHaveText(/AAPL/);
      await dashboard.isDrawn();

      proxy.treatment = 'pass';
      await expect(dashboard.connection).toHaveText(/^\s*Live( · \d+ ms)?$/, { timeout: 90_000 });
      const polls = proxy.polls;
      for (let i = 0; i < 3; i++) await dashboard.moves('price');
      expect(proxy.polls, 'polls beside a working stream').toBe(polls);

      // Each way began where the previous one ended, so that no event was duplicated or lost.
      let last: string | undefined;
      for (const { way, after, last: end } of proxy.asked) {
        if (last !== undefined) expect(after, way).toBe(last);
        if (way === 'poll') last = end;
      }
      // One poll while the stream is tested, and no more.
      expect(proxy.most).toBeLessThanOrEqual(2);
      expect(proxy.streams).toBeLessThanOrEqual(3);
    } finally {
      // Before the proxy cuts the stream.
      await page.close();
      await proxy.close();
    }
  });
}

test.describe('where answers fail', () => {
  // The browser logs each of them.
  test.use({ quiet: false });

  test('a proxy answers streams with 502, and the page polls until they pass', async ({
    page,
    serve,
    dashboard,
    console: messages,
  }) => {
    const server = await serve('--seed', '7');
    const proxy = await BufferingProxy.before(server.address, 'refuse');
    try {
      await page.goto(`${proxy.url}/stocks/GOOG`);
      await expect(dashboard.connection).toHaveText('Live (polling)', { timeout: 10_000 });
      await dashboard.moves('price');
      await dashboard.moves('price');
      proxy.treatment = 'pass';
      await expect(dashboard.connection).toHaveText(/^\s*Live( · \d+ ms)?$/, { timeout: 90_000 });
      await dashboard.moves('price');
      expect(messages.filter((message) => !message.includes('502'))).toEqual([]);
    } finally {
      await page.close();
      await proxy.close();
    }
  });

  test('the server is killed while the page polls, and the page shows it and recovers', async ({
    page,
    serve,
    dashboard,
  }) => {
    const server = await serve('--seed', '7');
    const proxy = await BufferingProxy.before(server.address, 'hold body');
    try {
      await page.goto(`${proxy.url}/stocks/GOOG`);
      await expect(dashboard.connection).toHaveText('Live (polling)', { timeout: 10_000 });
      await server.kill();
      await expect(dashboard.connection).toHaveText(/^\s*Reconnecting/);
      const frozen = await dashboard.value('price');
      await server.start();
      await expect(dashboard.connection).toHaveText('Live (polling)', { timeout: 60_000 });
      await expect(dashboard.field('price')).not.toHaveAttribute('data-value', frozen);
    } finally {
      await page.close();
      await proxy.close();
    }
  });
});

test('a browser without EventSource polls from the beginning', async ({
  page,
  market,
  dashboard,
}) => {
  await page.addInitScript(() => Reflect.deleteProperty(window, 'EventSource'));
  await page.goto(`${market.url}/stocks/GOOG`);
  await expect(dashboard.connection).toHaveText('Live (polling)');
  await dashboard.moves('price');
});
