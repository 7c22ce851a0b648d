import type { Page } from '@playwright/test';
import { isAccessible } from '../helpers/axe.ts';
import { Dashboard } from '../helpers/dashboard.ts';
import { expect, test } from '../helpers/journey.ts';
import { grant, publish, quote, session, story } from '../helpers/publish.ts';

interface Notified {
  title: string;
  body?: string;
  tag?: string;
}

/** Records the notifications of a page. */
async function watchNotifications(page: Page): Promise<() => Promise<Notified[]>> {
  await page.addInitScript(() => {
    const notified: Notified[] = [];
    const asked: unknown[] = [];
    Object.assign(window, { notified, asked });
    class Watched extends Notification {
      constructor(title: string, options?: NotificationOptions) {
        super(title, options);
        notified.push({ title, body: options?.body, tag: options?.tag });
      }
    }
    window.Notification = Watched;
  });
  return async () => (await page.evaluate('window.notified')) as Notified[];
}

/** Creates an alert by the form, which stays open. */
async function make(page: Page, when: string, value: string, of?: string): Promise<void> {
  const form = page.getByRole('form', { name: 'New alert' });
  if (!(await form.isVisible())) await page.getByRole('button', { name: 'Alerts' }).click();
  await form.getByLabel('When').selectOption(when);
  if (of) await form.getByLabel('Symbol', { exact: true }).selectOption(of);
  if (when === 'News of a type') await form.getByLabel('Type', { exact: true }).selectOption(value);
  else await form.getByLabel(/^(Price|Percent)$/).fill(value);
  await form.getByRole('button', { name: 'Add alert' }).click();
}

test.use({ permissions: ['notifications'] });

test('an alert fires once when the price crosses, on the page and as a notification', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await serve('--feed', 'none', '--publish-token', grant);
  await publish(server, quote('NEWCO', '12.50'));
  const notified = await watchNotifications(page);
  await page.goto(`${server.url}/stocks/NEWCO`);
  await dashboard.isLive();
  await make(page, 'Price at or above', '12.60');
  const alerts = page.getByRole('list', { name: 'Your alerts' });
  await expect(alerts).toContainText('NEWCO at 12.60 or above');
  await expect(alerts).toContainText('Active');
  await page.keyboard.press('Escape');

  await publish(server, quote('NEWCO', '12.5999'));
  await expect(dashboard.field('price')).toHaveAttribute('data-value', '12.5999');
  expect(await notified()).toEqual([]);
  await publish(server, quote('NEWCO', '12.60'));
  const note = dashboard.note('NEWCO at 12.60. Your alert: NEWCO at 12.60 or above.');
  await expect(note).toBeVisible();
  await expect.poll(notified).toHaveLength(1);
  expect((await notified())[0]).toMatchObject({
    title: 'NEWCO at 12.60',
    body: 'NEWCO at 12.60 or above',
  });
  await note.getByRole('button', { name: 'Dismiss' }).click();

  // Down and up again: the alert has already fired.
  for (const price of ['12.40', '12.70']) {
    await publish(server, quote('NEWCO', price));
    await expect(dashboard.field('price')).toHaveAttribute('data-value', price);
  }
  await expect(note).toBeHidden();
  expect(await notified()).toHaveLength(1);

  // It is stored over a reload, and can be armed again. Now the price is already on the far side.
  await page.reload();
  await dashboard.isLive();
  await page.getByRole('button', { name: 'Alerts' }).click();
  await expect(alerts).toContainText(/Triggered \d{4}-\d\d-\d\d \d\d:\d\d:\d\d/);
  await alerts.getByRole('button', { name: 'Reactivate: NEWCO at 12.60 or above' }).click();
  await publish(server, quote('NEWCO', '12.75'));
  await expect(alerts).toContainText('Condition already met; will trigger on the next crossing');
  expect(await notified()).toEqual([]);
  await publish(server, quote('NEWCO', '12.10'));
  await expect(alerts).not.toContainText('Condition already met');
  await publish(server, quote('NEWCO', '12.80'));
  await expect.poll(notified).toHaveLength(1);
  await alerts.getByRole('button', { name: 'Remove: NEWCO at 12.60 or above' }).click();
  await expect(alerts.getByRole('listitem')).toHaveCount(0);
});

test('a crossing while no page was open fires an alert when a page is opened', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await serve('--feed', 'none', '--publish-token', grant);
  await publish(server, quote('NEWCO', '12.50'));
  await page.goto(`${server.url}/stocks/NEWCO`);
  await dashboard.isLive();
  await make(page, 'Price at or below', '12.00');
  await page.goto('about:blank');
  await publish(server, quote('NEWCO', '11.00'));
  await page.goto(`${server.url}/stocks/NEWCO`);
  await expect(dashboard.note('NEWCO at 11.00')).toBeVisible();
});

test('alerts for a change in percent of any watchlist symbol, and for news of a type', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await serve('--feed', 'none', '--publish-token', grant);
  await publish(
    server,
    session('NEWCO', 'New Company', '100'),
    session('OLDCO', 'Old Company', '100'),
    quote('NEWCO', '100'),
    quote('OLDCO', '100'),
  );
  await page.goto(`${server.url}/stocks/NEWCO`);
  await dashboard.isLive();
  await make(page, 'Change in percent, up or down', '2.5', 'Any watchlist symbol');
  await make(page, 'News of a type', 'filing', 'NEWCO');
  await page.keyboard.press('Escape');
  // The pointer is not on the news, so new stories do not wait.
  await dashboard.chart.hover();

  await publish(server, quote('OLDCO', '97.51'), story('A headline of another type'));
  await expect(dashboard.stories).toHaveCount(1);
  await expect(dashboard.field('price', dashboard.link('OLDCO'))).toHaveText('97.51');
  await expect(dashboard.note('Your alert')).toHaveCount(0);
  await publish(server, quote('OLDCO', '97.50'));
  await expect(dashboard.note(/OLDCO −2\.50%, at 97\.50\. Your alert: Any watchlist symbol/)).toBeVisible();
  await publish(server, story('NEWCO files its 8-K', { id: 'journey:2', type: 'filing' }));
  await expect(
    dashboard.note('NEWCO files its 8-K. Your alert: NEWCO: news, filing.'),
  ).toBeVisible();
});

test('the form names errors and keeps the input', async ({
  page,
  market,
  dashboard,
}) => {
  await page.goto(`${market.url}/stocks/GOOG`);
  await dashboard.isLive();
  const form = page.getByRole('form', { name: 'New alert' });
  for (const [when, value, message, of] of [
    ['Price at or above', 'abc', '“abc” is not a price. Enter a number, e.g. 226.80.', undefined],
    ['Price at or below', '226,80', '“226,80” is not a price', undefined],
    ['Price at or above', '', 'No price given', undefined],
    ['Change in percent, up or down', '-2', '“-2” is not a percentage. Enter a number above 0', undefined],
    ['Price at or above', '5', 'A price alert needs one symbol', 'Any watchlist symbol'],
  ] as const) {
    await make(page, when, value, of);
    await expect(form.getByRole('alert')).toContainText(message);
    await expect(form.getByLabel(/^(Price|Percent)$/)).toHaveValue(value);
    await expect(form.getByLabel(/^(Price|Percent)$/)).toBeFocused();
  }
  await expect(page.getByRole('list', { name: 'Your alerts' }).getByRole('listitem')).toHaveCount(0);
  // The page shows prices with commas between thousands, and so accepts them.
  await make(page, 'Price at or above', '61,837.63', 'GOOG');
  await expect(page.getByRole('list', { name: 'Your alerts' })).toContainText(
    'GOOG at 61837.63 or above',
  );
});

test('the key a opens the form, and typed keys stay in it', async ({ page, market, dashboard }) => {
  await page.goto(`${market.url}/stocks/GOOG`);
  await dashboard.isLive();
  await page.keyboard.press('a');
  const form = page.getByRole('form', { name: 'New alert' });
  await expect(form.getByLabel('Price', { exact: true })).toBeFocused();
  await page.keyboard.type('6j1');
  await expect(form.getByLabel('Price', { exact: true })).toHaveValue('6j1');
  await expect(dashboard.heading).toHaveText(/GOOG/);
  // A key pressed on a button of the panel does not leave it either.
  await form.getByRole('button', { name: 'Add alert' }).focus();
  await page.keyboard.press('j');
  await page.keyboard.press('n');
  await expect(dashboard.heading).toHaveText(/GOOG/);
  await expect(form.getByRole('button', { name: 'Add alert' })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(form).toBeHidden();
  await page.keyboard.press('j');
  await expect(dashboard.heading).not.toHaveText(/GOOG/);
});

test('an alert that fires moves nothing in the list', async ({ page, serve, dashboard }) => {
  const server = await serve('--feed', 'none', '--publish-token', grant);
  await publish(server, quote('NEWCO', '12.50'));
  await page.goto(`${server.url}/stocks/NEWCO`);
  await dashboard.isLive();
  await make(page, 'Price at or above', '13');
  await make(page, 'Price at or above', '14');
  const alerts = page.getByRole('list', { name: 'Your alerts' });
  await expect(alerts.getByRole('listitem')).toHaveCount(2);
  const places = () =>
    alerts.locator('li, .alert-words, button:visible').evaluateAll((parts) =>
      parts
        .filter((part) => part.textContent !== 'Reactivate')
        .map((part) => {
          const { x, y, width, height } = part.getBoundingClientRect();
          return [part.tagName, x, y, width, height];
        }),
    );
  const before = await places();
  await publish(server, quote('NEWCO', '13.00'));
  await expect(alerts).toContainText('Triggered');
  expect(await places()).toEqual(before);
});

test('an alert fires in both tabs, with one notification', async ({
  page,
  serve,
  dashboard,
}) => {
  const server = await serve('--feed', 'none', '--publish-token', grant);
  await publish(server, quote('NEWCO', '12.50'));
  const other = new Dashboard(await page.context().newPage());
  const notified = [await watchNotifications(page), await watchNotifications(other.page)];
  for (const each of [dashboard, other]) {
    await each.page.goto(`${server.url}/stocks/NEWCO`);
    await each.isLive();
  }
  await make(page, 'Price at or above', '13');
  await other.page.getByRole('button', { name: 'Alerts' }).click();
  const alerts = other.page.getByRole('list', { name: 'Your alerts' });
  await expect(alerts).toContainText('Active');
  await publish(server, quote('NEWCO', '13.00'));
  await expect(alerts).toContainText('Triggered');
  const all = async () => (await Promise.all(notified.map(async (each) => await each()))).flat();
  await expect.poll(async () => (await all()).length).toBeGreaterThan(0);
  expect(new Set((await all()).map(({ tag }) => tag)).size).toBe(1);
});

test.describe('the permission', () => {
  test.use({ permissions: [] });

  for (const answer of ['granted', 'denied'] as const) {
    test(`is asked for only on a click, and ${answer} is shown`, async ({
      page,
      market,
      dashboard,
    }) => {
      await page.addInitScript((answer) => {
        let permission = 'default';
        const asked: boolean[] = [];
        Object.assign(window, { asked });
        Object.defineProperty(Notification, 'permission', { get: () => permission });
        Notification.requestPermission = async () => {
          asked.push(navigator.userActivation.isActive);
          permission = answer;
          return await Promise.resolve(answer);
        };
      }, answer);
      await page.goto(`${market.url}/stocks/GOOG`);
      await dashboard.isLive();
      await page.getByRole('button', { name: 'Alerts' }).click();
      const panel = page.getByRole('region', { name: 'Alerts' });
      expect(await page.evaluate('window.asked')).toEqual([]);
      await panel.getByRole('button', { name: 'Enable browser notifications' }).click();
      await expect(panel.getByRole('status')).toContainText(
        answer === 'granted' ? 'and by the browser' : 'does not allow the page to notify you',
      );
      await expect(panel.getByRole('button', { name: 'Enable browser notifications' })).toBeHidden();
      expect(await page.evaluate('window.asked')).toEqual([true]);
    });
  }
});

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(`${colorScheme}`, () => {
    test.use({ colorScheme });

    test(`alerts are accessible in ${colorScheme}`, async ({ page, market, dashboard }) => {
      await page.goto(`${market.url}/stocks/GOOG`);
      await dashboard.isLive();
      await make(page, 'Price at or above', '1');
      await make(page, 'Price at or below', '100000');
      await make(page, 'News of a type', 'halt');
      await make(page, 'Price at or above', 'abc');
      await isAccessible(page, 'the list and a complaint');
      await page.keyboard.press('Escape');
      await expect(page.getByRole('button', { name: 'Alerts' })).toBeFocused();
    });
  });
}
