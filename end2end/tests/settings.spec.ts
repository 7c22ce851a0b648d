import type { Page } from '@playwright/test';
import { isAccessible } from '../helpers/axe.ts';
import { expect, test } from '../helpers/journey.ts';
import { grant, publish, quote } from '../helpers/publish.ts';

/** The current values of the style sheet's colours. */
async function tokens(page: Page): Promise<Record<string, string>> {
  return await page.evaluate(() => {
    const style = getComputedStyle(document.documentElement);
    const names = ['ground', 'panel', 'text', 'muted', 'line', 'up', 'down', 'accent'];
    const values = names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]);
    return Object.fromEntries([['scheme', style.colorScheme], ...values]) as Record<string, string>;
  });
}

test('the settings open from the top bar, and close on Escape and on a click outside', async ({
  page,
  market,
  dashboard,
}) => {
  await page.goto(`${market.url}/stocks/GOOG`);
  await dashboard.isLive();
  const button = page.getByRole('button', { name: 'Settings' });
  const theme = page.getByRole('group', { name: 'Theme' });
  await expect(theme).toBeHidden();
  await button.focus();
  await page.keyboard.press('Enter');
  await expect(theme).toBeVisible();
  // The next Tab stop is within the menu.
  await page.keyboard.press('Tab');
  await expect(page.getByRole('radio', { name: 'System' })).toBeFocused();
  await page.keyboard.press('ArrowRight');
  await expect(page.getByRole('radio', { name: 'Light' })).toBeChecked();
  await page.keyboard.press('Escape');
  await expect(theme).toBeHidden();
  await expect(button).toBeFocused();

  await button.click();
  await expect(theme).toBeVisible();
  await dashboard.heading.click();
  await expect(theme).toBeHidden();
});

test('a chosen theme overrides that of the system', async ({
  page,
  market,
  dashboard,
}) => {
  await page.goto(`${market.url}/stocks/GOOG`);
  await dashboard.isLive();
  const drawn = await dashboard.isDrawn();
  const bySystem: Record<string, Record<string, string>> = {};
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    bySystem[colorScheme] = await tokens(page);
  }
  expect(bySystem.light).not.toEqual(bySystem.dark);
  expect(await tokens(page)).toEqual(bySystem.dark);

  await dashboard.choose('Light');
  expect(await tokens(page)).toEqual(bySystem.light);
  // The chart is drawn in the same colours.
  await dashboard.redraws(drawn);
  await page.emulateMedia({ colorScheme: 'light' });
  await dashboard.choose('Dark');
  expect(await tokens(page)).toEqual(bySystem.dark);
  await dashboard.choose('System');
  expect(await tokens(page)).toEqual(bySystem.light);
});

test.describe('a remembered theme', () => {
  // The page's script is held back, which the browser logs.
  test.use({ quiet: false, colorScheme: 'light' });

  test('is applied before the page has run', async ({ page, market, dashboard }) => {
    await page.goto(`${market.url}/stocks/GOOG`);
    await dashboard.isLive();
    await dashboard.choose('Dark', 'Blue and orange');
    const chosen = await tokens(page);
    await page.route(/\.(wasm|js)$/, (route) => route.abort());
    await page.reload();
    await expect(dashboard.heading).toBeVisible();
    expect(await tokens(page)).toEqual(chosen);
    expect(chosen.scheme).toBe('dark');
  });
});

for (const theme of ['Light', 'Dark']) {
  test(`the settings are accessible in both palettes of the theme ${theme}`, async ({
    page,
    market,
    dashboard,
  }) => {
    await page.goto(`${market.url}/stocks/GOOG`);
    await dashboard.isLive();
    const colours = [];
    for (const palette of ['Green and red', 'Blue and orange']) {
      await dashboard.choose(theme, palette);
      const { up, down } = await tokens(page);
      colours.push(up, down);
      await isAccessible(page, `${theme}, ${palette}`);
      await page.getByRole('button', { name: 'Settings' }).click();
      await isAccessible(page, `${theme}, ${palette}, open`);
      await page.keyboard.press('Escape');
    }
    expect(new Set(colours).size).toBe(4);
  });
}

test.describe('times', () => {
  test.use({ timezoneId: 'Asia/Kolkata' });

  test('are in the time zone of the reader, or of New York', async ({ page, market, dashboard }) => {
    await page.goto(`${market.url}/stocks/GOOG`);
    await dashboard.isLive();
    const time = dashboard.stories.last().locator('time');
    const moment = new Date((await time.getAttribute('datetime')) ?? '');
    const within = (timeZone: string) =>
      new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' }).format(
        moment,
      );
    await expect(time).toHaveAttribute('data-exact', `${within('Asia/Kolkata')} UTC+5:30`);
    await dashboard.choose('New York');
    await expect(time).toHaveAttribute('data-exact', `${within('America/New_York')} New York`);
  });
});

test('prices change only once a second, if chosen', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await serve('--feed', 'none', '--publish-token', grant);
  await publish(server, quote('NEWCO', '10.00'));
  await page.goto(`${server.url}/stocks/NEWCO`);
  await dashboard.isLive();
  /** How often the price is updated during 3 s with a quote every 50 ms. */
  const writings = async (first: number) => {
    await dashboard.field('price').evaluate((field) => {
      const times: number[] = [];
      Object.assign(window, { times });
      new MutationObserver(() => times.push(performance.now())).observe(field, {
        attributeFilter: ['data-value'],
      });
    });
    let last = '';
    for (let step = 0; step < 60; step++) {
      last = (first + step / 100).toFixed(2);
      await publish(server, quote('NEWCO', last));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await expect(dashboard.field('price')).toHaveAttribute('data-value', last);
    const times = (await page.evaluate('window.times')) as number[];
    const seconds = (times.at(-1)! - times[0]!) / 1000;
    return (times.length - 1) / seconds;
  };
  expect(await writings(20)).toBeGreaterThan(3);
  await dashboard.choose('Once a second');
  expect(await writings(30)).toBeLessThan(1.5);
});

test('digits do not flash, if chosen', async ({ page, market, dashboard }) => {
  await page.goto(`${market.url}/stocks/GOOG`);
  await dashboard.isLive();
  const animation = async () =>
    await dashboard.watchlist.evaluate((list) => {
      const flash = list.querySelector('.flash');
      return flash && getComputedStyle(flash, '::before').animationName;
    });
  await expect.poll(animation).toMatch(/flash/);
  await dashboard.choose('Off');
  expect(await animation()).toBe('none');
});

test('a menu closes after its button was clicked', async ({ page, market, dashboard }) => {
  await page.goto(`${market.url}/stocks/GOOG`);
  await dashboard.isLive();
  await dashboard.isDrawn();
  const save = dashboard.chart.getByText('⤓');
  await save.click();
  const numbers = dashboard.chart.getByRole('button', { name: 'Data (CSV)' });
  const file = page.waitForEvent('download');
  await numbers.click();
  await file;
  await expect(numbers).toBeHidden();
  // Several boxes may be checked in a row.
  await dashboard.chart.getByText('Studies').click();
  const box = dashboard.chart.getByRole('checkbox', { name: 'SMA 20' });
  await box.check();
  await expect(box).toBeVisible();
  await dashboard.heading.click();
  await expect(box).toBeHidden();
});
