import type { BrowserContext, CDPSession, Page } from '@playwright/test';
import { Dashboard } from '../helpers/dashboard.ts';
import { Desk, deskArguments, quote, story, streams } from '../helpers/desk.ts';
import { expect, test } from '../helpers/journey.ts';

/** Opens addresses in tabs of one browser, one after the other, and waits until each is live. */
async function open(context: BrowserContext, ...addresses: string[]): Promise<Dashboard[]> {
  const tabs: Dashboard[] = [];
  for (const address of addresses) {
    const tab = new Dashboard(await context.newPage());
    await tab.page.goto(address);
    await tab.isLive();
    tabs.push(tab);
  }
  return tabs;
}

async function headlines(tab: Dashboard): Promise<string[]> {
  return await tab.stories.getByRole('heading').allInnerTexts();
}

/**
 * Freezes a tab, as a browser does to save power, and returns the function that resumes it. A tab
 * of a headless browser is never hidden and so never frozen, so the debugger pauses it. `notifies`
 * is whether the page gets the browser's events.
 */
async function freeze(page: Page, notifies: boolean): Promise<() => Promise<void>> {
  const dispatch = (name: string) =>
    page.evaluate((name) => document.dispatchEvent(new Event(name, { bubbles: true })), name);
  if (notifies) await dispatch('freeze');
  const session: CDPSession = await page.context().newCDPSession(page);
  await session.send('Debugger.enable');
  const paused = new Promise((resolve) => session.once('Debugger.paused', resolve));
  await session.send('Debugger.pause');
  await paused;
  return async () => {
    await session.send('Debugger.resume');
    await session.detach();
    if (notifies) await dispatch('resume');
  };
}

for (const count of [2, 4]) {
  test(`${count} tabs of one browser follow the market by one stream`, async ({ context, serve }) => {
    const server = await serve('--seed', '7');
    const addresses = Array.from({ length: count }, () => `${server.url}/stocks/GOOG`);
    const tabs = await open(context, ...addresses);
    expect(await streams(server)).toEqual({ open: 1, ever: 1 });
    for (const tab of tabs) {
      await tab.moves('price');
      await expect(tab.connection).toHaveText(/^\s*Live · \d+ ms/);
      await tab.isDrawn();
    }
    expect(await streams(server)).toEqual({ open: 1, ever: 1 });
  });
}

test('another browser has its own stream', async ({ context, browser, serve }) => {
  const server = await serve('--seed', '7');
  await open(context, server.url);
  const elsewhere = await browser.newContext();
  await open(elsewhere, server.url);
  expect(await streams(server)).toEqual({ open: 2, ever: 2 });
  await elsewhere.close();
});

test('when the tab with the stream is closed, the others miss nothing and show nothing twice', async ({
  context,
  serve,
}) => {
  const server = await serve('--feed', 'none', ...deskArguments);
  const desk = new Desk(server);
  await desk.publish(quote('ONE', '1'));
  const [first, ...others] = await open(context, server.url, server.url, server.url);
  const published: string[] = [];
  const publishStory = async (headline: string) => {
    await desk.publish(story(headline, ['ONE']));
    published.unshift(headline);
  };
  for (let before = 0; before < 5; before++) await publishStory(`before ${before}`);
  for (const tab of others) await expect(tab.stories).toHaveCount(5);
  let closed = false;
  const closing = first!.page.close().then(() => {
    closed = true;
  });
  // No more than the page's list holds, however long the browser takes to close a tab.
  for (let during = 0; during < 5 || (!closed && during < 150); during++) await publishStory(`during ${during}`);
  await closing;
  for (let after = 0; after < 5; after++) await publishStory(`after ${after}`);
  await desk.publish(quote('ONE', '2'));
  for (const tab of others) {
    await expect(tab.field('price', tab.link('ONE'))).toHaveAttribute('data-value', '2');
    await expect.poll(() => headlines(tab)).toEqual(published);
    await tab.isLive();
  }
  expect(await streams(server)).toEqual({ open: 1, ever: 2 });
});

test('a tab that starts late has the events published meanwhile', async ({ context, serve }) => {
  const server = await serve('--feed', 'none', ...deskArguments);
  const desk = new Desk(server);
  await desk.publish(quote('ONE', '1'), story('first', ['ONE']));
  const [first] = await open(context, server.url);
  // Its script is delayed: the page is drawn, and time passes.
  const late = new Dashboard(await context.newPage());
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await late.page.route('**/*.wasm', async (route) => {
    await held;
    await route.continue();
  });
  await late.page.goto(server.url, { waitUntil: 'commit' });
  await expect(late.stories).toHaveCount(1);
  await desk.publish(story('second', ['ONE']), story('third', ['ONE']), quote('ONE', '2'));
  await expect(first!.stories).toHaveCount(3);
  release();
  await late.isLive();
  await expect.poll(() => headlines(late)).toEqual(['third', 'second', 'first']);
  await expect(late.field('price', late.link('ONE'))).toHaveAttribute('data-value', '2');
  expect(await streams(server)).toEqual({ open: 1, ever: 1 });
});

test('tabs with different watchlists share a stream, and each shows only its own symbols', async ({
  context,
  serve,
}) => {
  const server = await serve('--feed', 'none', ...deskArguments);
  const desk = new Desk(server);
  await desk.publish(quote('ONE', '1'), quote('TWO', '1'), quote('THREE', '1'));
  const at = (symbols: string) => `${server.url}/stocks?symbols=${symbols}`;
  const [one, two, all] = await open(context, at('ONE'), at('ONE,TWO'), server.url);
  await expect.poll(async () => (await streams(server)).open).toBe(1);
  await desk.publish(
    story('of one', ['ONE']),
    story('of two', ['TWO']),
    story('of both', ['ONE', 'TWO']),
    story('of three', ['THREE']),
    story('of nothing', []),
    quote('ONE', '11'),
    quote('TWO', '12'),
    quote('THREE', '13'),
  );
  const prices = async (tab: Dashboard, expected: Record<string, string>) => {
    await expect(tab.watchlist.getByRole('link')).toHaveCount(Object.keys(expected).length);
    for (const [symbol, price] of Object.entries(expected)) {
      await expect(tab.field('price', tab.link(symbol))).toHaveAttribute('data-value', price);
    }
  };
  await prices(one!, { ONE: '11' });
  await prices(two!, { ONE: '11', TWO: '12' });
  await prices(all!, { ONE: '11', TWO: '12', THREE: '13' });
  expect(await headlines(one!)).toEqual(['of both', 'of one']);
  expect(await headlines(two!)).toEqual(['of both', 'of two', 'of one']);
  expect(await headlines(all!)).toEqual([
    'of nothing',
    'of three',
    'of both',
    'of two',
    'of one',
  ]);
  // The first tab had the stream. The stream of its successor still carries what the other tab
  // wants.
  await one!.page.close();
  await desk.publish(quote('TWO', '22'), quote('THREE', '23'), story('afterwards', ['THREE']));
  await prices(two!, { ONE: '11', TWO: '22' });
  await prices(all!, { ONE: '11', TWO: '22', THREE: '23' });
  await expect(all!.stories).toHaveCount(6);
  expect(await headlines(two!)).toEqual(['of both', 'of two', 'of one']);
  expect((await streams(server)).open).toBe(1);
});

for (const notifies of [true, false]) {
  const name = notifies
    ? 'a tab that is about to stand still lets another one have the stream'
    : 'a tab that stands still without a word loses the stream to another one';
  test(name, async ({ context, serve }) => {
    const server = await serve('--feed', 'none', ...deskArguments);
    const desk = new Desk(server);
    await desk.publish(quote('ONE', '1'));
    const [first, second] = await open(context, server.url, server.url);
    await desk.publish(story('before', ['ONE']));
    for (const tab of [first!, second!]) await expect(tab.stories).toHaveCount(1);

    const thaw = await freeze(first!.page, notifies);
    await desk.publish(story('during', ['ONE']), quote('ONE', '2'));
    if (!notifies) await expect(second!.connection).toHaveText(/^\s*Reconnecting/);
    await expect.poll(() => headlines(second!)).toEqual(['during', 'before']);
    await expect(second!.field('price', second!.link('ONE'))).toHaveAttribute('data-value', '2');
    await second!.isLive();
    expect((await streams(server)).ever).toBe(2);

    await thaw();
    await desk.publish(story('after', ['ONE']));
    for (const tab of [first!, second!]) {
      await expect.poll(() => headlines(tab)).toEqual(['after', 'during', 'before']);
      await tab.isLive();
    }
    await expect.poll(async () => await streams(server)).toEqual({ open: 1, ever: 2 });
  });
}

test('in a browser without channels between tabs each tab has its own stream', async ({
  context,
  serve,
}) => {
  await context.addInitScript(() => Reflect.deleteProperty(Navigator.prototype, 'locks'));
  const server = await serve('--seed', '7');
  const tabs = await open(context, server.url, server.url);
  expect((await streams(server)).open).toBe(2);
  for (const tab of tabs) await tab.moves('price', tab.link('GOOG'));
});

test('after leaving the page and going back, nothing is missing', async ({
  context,
  serve,
}) => {
  const server = await serve('--feed', 'none', ...deskArguments);
  const desk = new Desk(server);
  await desk.publish(quote('ONE', '1'));
  const [first, second] = await open(context, server.url, server.url);
  await first!.page.goto(`${server.url}/health/live`);
  await desk.publish(story('meanwhile', ['ONE']));
  await expect(second!.stories).toHaveCount(1);
  expect((await streams(server)).open).toBe(1);
  await first!.page.goBack();
  await first!.isLive();
  await desk.publish(story('afterwards', ['ONE']));
  for (const tab of [first!, second!]) {
    await expect.poll(() => headlines(tab)).toEqual(['afterwards', 'meanwhile']);
  }
  expect((await streams(server)).open).toBe(1);
});

test('a browser that reopens closed streams when a page returns, as WebKit does, has one stream', async ({
  context,
  serve,
}) => {
  const server = await serve('--feed', 'none', ...deskArguments);
  const desk = new Desk(server);
  await desk.publish(quote('ONE', '1'));
  await context.addInitScript(() => {
    // WebKit marks streams that are open when the page is left, and reopens them when it returns: a
    // task starts the wait before an attempt, and only a stream that is closed after that stays
    // closed.
    const all: Stream[] = [];
    const counts = { pending: 0 };
    class Stream extends EventTarget {
      private inner: EventSource | undefined;
      private revives = false;
      private waits: number | undefined;
      constructor(readonly url: string) {
        super();
        this.open();
        all.push(this);
      }
      get readyState(): number {
        return this.waits === undefined ? (this.inner?.readyState ?? 2) : 0;
      }
      open(): void {
        const inner = new Native(this.url);
        this.inner = inner;
        const names = ['open', 'error', 'message', 'session', 'bar', 'news', 'snapshot', 'heartbeat'];
        for (const name of names) {
          inner.addEventListener(name, (event) => {
            const { data, lastEventId } = event as MessageEvent;
            const again = { data: data as unknown, lastEventId };
            this.dispatchEvent(
              name === 'open' || name === 'error' ? new Event(name) : new MessageEvent(name, again),
            );
          });
        }
      }
      private settle(): void {
        if (this.waits === undefined) return;
        clearTimeout(this.waits);
        this.waits = undefined;
        counts.pending--;
      }
      close(): void {
        this.settle();
        this.inner?.close();
        this.inner = undefined;
      }
      leave(): void {
        this.revives = this.inner !== undefined;
      }
      comeBack(): void {
        if (!this.revives) return;
        this.revives = false;
        counts.pending++;
        setTimeout(() => {
          this.waits = window.setTimeout(() => {
            this.settle();
            this.open();
          }, 2_200);
        });
      }
    }
    const Native = window.EventSource;
    Object.assign(window, { EventSource: Stream, counts });
    // Before the page's own listener.
    addEventListener('pagehide', () => all.forEach((stream) => stream.leave()));
    addEventListener('pageshow', () => all.forEach((stream) => stream.comeBack()));
  });
  const [tab] = await open(context, server.url);
  for (let times = 0; times < 3; times++) {
    await tab!.page.evaluate(() =>
      dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })),
    );
    await expect.poll(async () => (await streams(server)).open).toBe(0);
    await tab!.page.evaluate(() =>
      dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })),
    );
    await expect.poll(() => tab!.page.evaluate('window.counts.pending')).toBe(0);
    await desk.publish(story(`${times}`, ['ONE']));
    await expect(tab!.stories).toHaveCount(times + 1);
    expect(await streams(server)).toEqual({ open: 1, ever: times + 2 });
  }
  await tab!.isLive();
});
