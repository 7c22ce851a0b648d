import { expect, test } from '../helpers/journey.ts';
import { grant, publish, quote } from '../helpers/publish.ts';

// The browser logs refused connections to the console.
test.use({ quiet: false });

test('the server is killed and restarted, and the page shows it and recovers', async ({
  page,
  serve,
  dashboard,
  console: messages,
}) => {
  const server = await serve('--seed', '11');
  await page.goto(`${server.url}/stocks/GOOG`);
  await dashboard.isLive();
  await dashboard.moves('price');
  await page.evaluate(() => Object.assign(window, { marker: 'still here' }));

  await server.kill();
  await expect(dashboard.connection).toHaveText(/^\s*Reconnecting/);
  const frozen = await dashboard.value('price');

  await server.start();
  await expect(dashboard.connection).toHaveText(/^\s*Live/, { timeout: 45_000 });
  await expect(dashboard.field('price')).not.toHaveAttribute('data-value', frozen, {
    timeout: 45_000,
  });
  await dashboard.moves('price');
  await dashboard.redraws(await dashboard.isDrawn());
  expect(await page.evaluate('window.marker')).toBe('still here');
  expect(messages.filter((message) => !/ERR_|net::/.test(message))).toEqual([]);
});

test('the server is restarted without one of the symbols, and the others continue', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await serve('--feed', 'none', '--publish-token', grant);
  await publish(server, quote('GOOG', '175.20'), quote('GONE', '5.00'), quote('LATE', '7.00'));
  await page.goto(`${server.url}/stocks/GOOG?symbols=GOOG,GONE,LATE`);
  await dashboard.isLive();
  await expect(dashboard.field('price')).toHaveText('175.20');

  await server.kill();
  await expect(dashboard.connection).toHaveText(/^\s*Reconnecting/);
  await server.start();
  await publish(server, quote('GOOG', '175.30'));
  await expect(dashboard.connection).toHaveText(/^\s*Live/, { timeout: 45_000 });
  await expect(dashboard.field('price')).toHaveText('175.30');
  // A symbol that is quoted again later is shown again.
  await publish(server, quote('LATE', '7.10'));
  await expect(dashboard.field('price', dashboard.link('LATE'))).toHaveText('7.10');
  expect(await dashboard.symbols()).toEqual(['GOOG', 'GONE', 'LATE']);
});

test('a server with open streams ends within two seconds', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await serve('--seed', '11');
  await page.goto(`${server.url}/stocks/GOOG`);
  await dashboard.isLive();

  const { code, took } = await server.stop();
  expect(code).toBe(0);
  expect(took).toBeLessThan(2000);
  await expect(dashboard.connection).toHaveText(/^\s*Reconnecting/);
});
