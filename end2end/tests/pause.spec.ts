import { Desk, deskArguments, quote, story } from '../helpers/desk.ts';
import { expect, test } from '../helpers/journey.ts';

test('everything that moves is paused, and resumes with current data', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await serve('--feed', 'none', ...deskArguments);
  const desk = new Desk(server);
  const start = Date.now() - 60_000;
  await desk.publish(quote('ONE', '1', start), quote('TWO', '1', start), story('before', ['ONE']));
  await page.goto(`${server.url}/stocks/ONE`);
  await dashboard.isLive();
  await desk.publish(quote('ONE', '2', start + 1_000));
  await expect(dashboard.field('price')).toHaveAttribute('data-value', '2');
  await expect.poll(() => dashboard.points()).toBe(2);

  const pause = page.getByRole('button', { name: 'Pause' });
  await expect(pause).toHaveAttribute('aria-pressed', 'false');
  await pause.click();
  await expect(pause).toHaveAttribute('aria-pressed', 'true');
  await expect(dashboard.connection).toHaveText('Paused · 0 updates pending');
  const chart = await dashboard.pixels();

  // Quotes of one symbol count as one change, and each story as one.
  for (let second = 2; second < 20; second++) {
    await desk.publish(quote('ONE', `${second + 1}`, start + second * 1_000));
  }
  await desk.publish(quote('TWO', '5', start + 20_000), story('during', ['TWO']));
  await expect(dashboard.connection).toHaveText('Paused · 3 updates pending');
  expect(await dashboard.value('price')).toBe('2');
  expect(await dashboard.value('price', dashboard.link('TWO'))).toBe('1');
  await expect(dashboard.stories).toHaveCount(1);
  expect(await dashboard.points()).toBe(2);
  expect((await dashboard.pixels()).hash).toBe(chart.hash);
  await expect(page).toHaveTitle(/^ONE 2\b/);

  await pause.click();
  await expect(pause).toHaveAttribute('aria-pressed', 'false');
  await expect(dashboard.field('price')).toHaveAttribute('data-value', '20');
  await expect(dashboard.field('price', dashboard.link('TWO'))).toHaveAttribute('data-value', '5');
  await expect(dashboard.stories).toHaveCount(2);
  // A quote that was superseded does not count.
  await expect.poll(() => dashboard.points()).toBeGreaterThan(10);
  await dashboard.isLive();
  await desk.publish(quote('ONE', '30', start + 30_000));
  await expect(dashboard.field('price')).toHaveAttribute('data-value', '30');
});

test('the space bar pauses, except where it has another meaning', async ({
  page,
  market,
  dashboard,
}) => {
  await page.goto(`${market.url}/stocks/GOOG`);
  await dashboard.isLive();
  const pause = page.getByRole('button', { name: 'Pause' });
  await page.keyboard.press('Space');
  await expect(pause).toHaveAttribute('aria-pressed', 'true');
  await page.keyboard.press('Space');
  await expect(pause).toHaveAttribute('aria-pressed', 'false');

  await page.getByRole('combobox').first().focus();
  await page.keyboard.press('Space');
  await expect(pause).toHaveAttribute('aria-pressed', 'false');
  await page.getByLabel('Chart of GOOG').focus();
  await page.keyboard.press('Space');
  await expect(pause).toHaveAttribute('aria-pressed', 'false');
  // On the button it clicks the button, once.
  await pause.focus();
  await page.keyboard.press('Space');
  await expect(pause).toHaveAttribute('aria-pressed', 'true');
  await expect(dashboard.connection).toHaveText(/^\s*Paused · [1-9]\d* updates? pending/);
});

test('choices on a paused page are shown, and then stand still as well', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await serve('--feed', 'none', ...deskArguments);
  const desk = new Desk(server);
  const start = Date.now() - 60_000;
  await desk.publish(quote('ONE', '1', start), quote('TWO', '1', start));
  await page.goto(`${server.url}/stocks/ONE`);
  await dashboard.isLive();
  await page.keyboard.press('Space');
  await desk.publish(quote('ONE', '2', start + 1_000), quote('TWO', '2', start + 1_000));
  await expect(dashboard.connection).toHaveText('Paused · 2 updates pending');
  await dashboard.link('TWO').click();
  await expect(dashboard.heading).toHaveText(/TWO/);
  await expect(dashboard.field('price')).toHaveAttribute('data-value', '2');
  await expect.poll(() => dashboard.points()).toBe(2);
  expect(await dashboard.value('price', dashboard.link('ONE'))).toBe('1');
  await desk.publish(quote('TWO', '3', start + 2_000), quote('THREE', '1', start));
  await expect(dashboard.connection).toHaveText('Paused · 3 updates pending');
  expect(await dashboard.value('price')).toBe('2');
  expect(await dashboard.points()).toBe(2);
});

test.describe('the connection is lost', () => {
  test.use({ quiet: false });

  test('while the page is paused, and it shows that and misses nothing', async ({
    page,
    serve,
    dashboard,
  }) => {
    const server = await serve('--seed', '11');
    await page.goto(`${server.url}/stocks/GOOG`);
    await dashboard.isLive();
    await page.keyboard.press('Space');
    await expect(dashboard.connection).toHaveText(/^\s*Paused · \d+ updates? pending/);
    const still = await dashboard.value('price');
    await server.kill();
    await expect(dashboard.connection).toHaveText(/^\s*Paused · Reconnecting since \d/);
    await server.start();
    await expect(dashboard.connection).toHaveText(/^\s*Paused · [1-9]\d* updates? pending/, {
      timeout: 60_000,
    });
    expect(await dashboard.value('price')).toBe(still);
    await page.keyboard.press('Space');
    await expect(dashboard.field('price')).not.toHaveAttribute('data-value', still);
    await dashboard.moves('price');
  });
});
