import { execFile } from 'node:child_process';
import { get } from 'node:http';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { EventSource } from 'eventsource';
import { expect, test } from '../helpers/journey.ts';
import { root, type Server } from '../helpers/server.ts';
import { compareIds, firstFall, type Received, Wire } from '../helpers/stream.ts';

// The simulated market halts a stock for up to two minutes, in which the stream may rightly be
// silent.
const patience = { timeout: 130_000 };

const names = ['message', 'snapshot', 'session', 'bar', 'news'] as const;

/** Checks what each client has read of a stream that was broken once after `dropped` events. */
function isOneStream(events: Received[], dropped: number): void {
  expect(events.length).toBeGreaterThan(dropped);
  const [first, ...rest] = events;
  expect(first?.event).toBe('snapshot');
  expect(JSON.parse(first!.data)).toMatchObject({ reset: false });
  expect(JSON.parse(first!.data)).toHaveProperty('quotes.0.symbol', 'GOOG');
  // A connection that resumes where it broke off needs no second snapshot.
  expect(rest.map(({ event }) => event)).not.toContain('snapshot');
  expect(firstFall(events), 'ids rise without a repeat').toBeUndefined();
  const quotes = rest.filter(({ event }) => event === 'message');
  expect(quotes.length).toBeGreaterThan(0);
  for (const { data } of quotes) {
    expect(JSON.parse(data)).toMatchObject({
      symbol: 'GOOG',
      price: expect.stringMatching(/^\d+(\.\d+)?$/),
      time: expect.any(Number),
    });
  }
}

/** The beginning of an answer as bytes, up to `blocks` blank lines. */
async function beginning(server: Server, path: string, blocks: number) {
  return await new Promise<{ headers: Record<string, unknown>; text: string }>((done, failed) => {
    const request = get(
      `${server.url}${path}`,
      { headers: { accept: 'text/event-stream' } },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('error', failed);
        response.on('data', (chunk: string) => {
          text += chunk;
          if (text.split('\n\n').length > blocks) {
            done({ headers: { status: response.statusCode, ...response.headers }, text });
            request.destroy();
          }
        });
      },
    );
    request.on('error', failed);
  });
}

test('the stream has the documented bytes', async ({ market }) => {
  const { headers, text } = await beginning(market, '/stocks/GOOG', 3);
  expect(headers).toMatchObject({
    status: 200,
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  });
  expect(String(headers['vary']).toLowerCase()).toContain('accept');
  expect(headers).not.toHaveProperty('content-encoding');

  // Lines that are not part of an event precede the fields of the first one. Otherwise some clients
  // would deliver an empty event.
  const [snapshot, ...others] = text.split('\n\n').slice(0, -1);
  expect(snapshot).toMatch(
    /^: tickertape\nretry: \d{3,5}\nid: \d{13}-\d+\nevent: snapshot\ndata: \{.*\}$/,
  );
  for (const frame of others) {
    expect(frame).toMatch(/^id: \d{13}-\d+\n(event: (session|bar|news)\n)?data: \{.*\}$/);
  }
  const ids = [snapshot!, ...others].map((frame) => /^id: (.*)$/m.exec(frame)![1]!);
  expect(ids).toEqual([...ids].sort(compareIds));
  expect(new Set(ids).size).toBe(ids.length);
});

test('retry differs from connection to connection', async ({ market }) => {
  const times = new Set<string>();
  for (let i = 0; i < 8; i++) {
    const { text } = await beginning(market, '/stocks/GOOG', 1);
    times.add(/retry: (\d+)/.exec(text)![1]!);
  }
  expect(times.size).toBeGreaterThan(1);
});

test('npm eventsource reads the stream and resumes it after a break', async ({ market }) => {
  const wire = await Wire.to(market.address);
  const events: Received[] = [];
  const source = new EventSource(`${wire.url}/stocks/GOOG`);
  try {
    for (const name of names) {
      source.addEventListener(name, ({ lastEventId, type, data }) => {
        events.push({ id: lastEventId, event: type, data: data as string });
      });
    }
    await expect.poll(() => events.length, patience).toBeGreaterThan(5);
    wire.cut();
    const dropped = events.length;
    await expect.poll(() => events.length, patience).toBeGreaterThan(dropped + 5);
    expect(wire.connections).toBe(2);
    isOneStream(events, dropped);
  } finally {
    source.close();
    await wire.close();
  }
});

test.describe('a browser', () => {
  // The browser logs that a connection broke.
  test.use({ quiet: false });

  test("Chromium's EventSource reads the stream and resumes it after a break", async ({
    page,
    market,
  }) => {
    const wire = await Wire.to(market.address);
    try {
      // An empty document of the server's origin. The page itself would also open a stream, and
      // documents of other origins may not.
      await page.route(`${wire.url}/empty`, (route) =>
        route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }),
      );
      await page.goto(`${wire.url}/empty`);
      await page.evaluate((names) => {
        const events: unknown[] = [];
        Object.assign(window, { events });
        const source = new EventSource('/stocks/GOOG');
        for (const name of names) {
          source.addEventListener(name, ({ lastEventId, type, data }: MessageEvent) => {
            events.push({ id: lastEventId, event: type, data });
          });
        }
      }, names);
      const read = async () => await page.evaluate<Received[]>('window.events');
      await expect.poll(async () => (await read()).length, patience).toBeGreaterThan(5);
      const { connections } = wire;
      wire.cut();
      const dropped = (await read()).length;
      await expect
        .poll(async () => (await read()).length, patience)
        .toBeGreaterThan(dropped + 5);
      expect(wire.connections).toBeGreaterThan(connections);
      isOneStream(await read(), dropped);
    } finally {
      await page.close();
      await wire.close();
    }
  });
});

test('PyPI httpx-sse reads the stream and resumes it after a break', async ({ market }) => {
  const python = process.env.TICKERTAPE_PYTHON;
  expect(python, 'TICKERTAPE_PYTHON is set by scripts/setup with …').toBeTruthy();
  const { stdout } = await promisify(execFile)(python!, [
    resolve(root, 'end2end/clients/follow.py'),
    `${market.url}/stocks/GOOG`,
    '6',
  ]);
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Received & { connection: number });
  expect(new Set(events.map(({ connection }) => connection))).toEqual(new Set([1, 2]));
  isOneStream(events, events.filter(({ connection }) => connection === 1).length);
});

test('an id that is not on the tape is answered with a snapshot marked as a reset', async ({
  market,
}) => {
  const { text } = await beginning(market, '/stocks/GOOG?last_event_id=1000000000000-0', 2);
  const data = /^event: snapshot\ndata: (.*)$/m.exec(text)?.[1];
  expect(JSON.parse(data ?? 'null')).toMatchObject({ reset: true });
});
