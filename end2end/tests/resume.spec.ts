import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from '../helpers/journey.ts';
import { root, type Server } from '../helpers/server.ts';
import { compareIds, random, type Received, Wire } from '../helpers/stream.ts';

const token = 'the-token-of-the-publisher';
const grant = `publisher:${createHash('sha256').update(token).digest('hex')}`;
const symbols = ['ONE', 'TWO', 'THREE'] as const;

/**
 * The seed of the places where connections are cut. A run prints its seed, with which it can be
 * repeated.
 */
const seed = Number(process.env.TICKERTAPE_SEED ?? Math.floor(Math.random() * 2 ** 32));

/** An event as the client printed it. */
interface Arrival extends Received {
  connection: number;
  /** The id that its connection was resumed after. */
  after: string;
}

/** Publishes numbered stories and, as the volume of quotes, numbered states of each symbol. */
class Publisher {
  /** How many stories there are of each symbol. */
  readonly stories = new Map<string, number>(symbols.map((symbol) => [symbol, 0]));
  /** The number of each symbol's newest quote. */
  readonly quotes = new Map<string, number>(symbols.map((symbol) => [symbol, 0]));
  /** How many stories of each symbol the server has forgotten. */
  forgotten = new Map<string, number>();
  /** The id of the newest event. */
  last = '';

  constructor(private readonly server: Server) {}

  async publish(symbols: readonly string[], stories: number): Promise<void> {
    const events = symbols.flatMap((symbol) => [
      ...Array.from({ length: stories }, () => this.story(symbol)),
      this.quote(symbol),
    ]);
    const response = await fetch(`${this.server.url}/publish`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(events),
    });
    const text = await response.text();
    assert.equal(response.status, 200, text);
    const answer = JSON.parse(text) as { count: number; last_event_id: string };
    assert.equal(answer.count, events.length, text);
    this.last = answer.last_event_id;
  }

  /** The server has lost everything that was published. */
  forget(): void {
    this.forgotten = new Map(this.stories);
  }

  private story(symbol: string): object {
    const number = this.stories.get(symbol)!;
    this.stories.set(symbol, number + 1);
    const data = {
      id: `${symbol}:${number}`,
      type: 'headline',
      basis: 'native',
      symbols: [symbol],
      headline: `The story ${number} of ${symbol}${' goes on'.repeat(number % 20)}`,
      source: 'Publisher',
      published: Date.now(),
    };
    return { event: 'news', data };
  }

  private quote(symbol: string): object {
    const number = this.quotes.get(symbol)! + 1;
    this.quotes.set(symbol, number);
    const data = { symbol, time: Date.now(), price: '12.50', volume: `${number}` };
    return { event: 'quote', data };
  }
}

/** The Python client behind a wire, and the events that it has received. */
class Client {
  readonly arrivals: Arrival[] = [];
  private readonly process: ChildProcess;

  private constructor(readonly wire: Wire, path: string) {
    const python = process.env.TICKERTAPE_PYTHON;
    expect(python, 'TICKERTAPE_PYTHON is set by scripts/setup with …').toBeTruthy();
    const script = resolve(root, 'end2end/clients/resume.py');
    this.process = spawn(python!, [script, `${wire.url}${path}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    createInterface({ input: this.process.stdout! }).on('line', (line) => {
      this.arrivals.push(JSON.parse(line) as Arrival);
    });
  }

  static async of(server: Server, path: string, carries: () => number): Promise<Client> {
    return new Client(await Wire.to(server.address, carries), path);
  }

  get resets(): number {
    const snapshots = this.arrivals.filter(({ event }) => event === 'snapshot');
    return snapshots.filter(({ data }) => (JSON.parse(data) as Snapshot).reset).length;
  }

  async end(): Promise<void> {
    const exit = once(this.process, 'exit');
    this.process.kill();
    await exit;
    await this.wire.close();
  }
}

interface Snapshot {
  reset: boolean;
  quotes: Quote[];
  news: { id: string }[];
}

interface Quote {
  symbol: string;
  volume: string;
}

/**
 * What a client has received, with checks of each event. They do not use Playwright's `expect`,
 * which would record a step for each of thousands of events.
 */
class Reader {
  private stories = new Map<string, number>();
  private readonly quotes = new Map<string, number>();
  private last = '';
  private taken = 0;

  constructor(
    private readonly publisher: Publisher,
    private readonly withholds: boolean,
  ) {}

  /** Takes the events received since. */
  take(arrivals: readonly Arrival[]): void {
    for (; this.taken < arrivals.length; this.taken++) {
      const arrival = arrivals[this.taken]!;
      // The server adds its own sessions and bars, which are ignored here.
      if (!['heartbeat', 'session', 'bar'].includes(arrival.event)) this.takeOne(arrival);
    }
  }

  /** Whether everything that was published for these symbols has been received. */
  knows(symbols: readonly string[]): boolean {
    return symbols.every(
      (symbol) =>
        (this.stories.get(symbol) ?? 0) === this.publisher.stories.get(symbol) &&
        this.quotes.get(symbol) === this.publisher.quotes.get(symbol),
    );
  }

  private takeOne({ id, event, data, after }: Arrival): void {
    const where = `${event} ${id} after ${this.last}: ${data}`;
    if (event === 'snapshot') {
      const snapshot = JSON.parse(data) as Snapshot;
      assert.equal(snapshot.reset, after !== '', `a snapshot is a reset where there was an id: ${where}`);
      this.start(snapshot);
      this.last = id;
      return;
    }
    assert.notEqual(this.last, '', `a stream begins with a snapshot: ${where}`);
    // An event without an id repeats the previous id of its connection, if there is one.
    const bare = this.withholds && event === 'message' && (id === '' || id === this.last);
    if (!bare) {
      assert.ok(compareIds(this.last, id) < 0, `ids rise: ${where}`);
      this.last = id;
    }
    if (event === 'news') {
      const [symbol, number] = numbered((JSON.parse(data) as { id: string }).id);
      assert.equal(number, this.stories.get(symbol) ?? 0, `each story once, in order: ${where}`);
      this.stories.set(symbol, number + 1);
    } else {
      assert.equal(event, 'message', where);
      this.quote(JSON.parse(data) as Quote, where);
    }
  }

  /** A snapshot replaces what was known. */
  private start(snapshot: Snapshot): void {
    this.stories = new Map(this.publisher.forgotten);
    this.quotes.clear();
    for (const { id } of snapshot.news) {
      const [symbol, number] = numbered(id);
      this.stories.set(symbol, Math.max(this.stories.get(symbol) ?? 0, number + 1));
    }
    for (const { symbol, volume } of snapshot.quotes) this.quotes.set(symbol, Number(volume));
  }

  private quote({ symbol, volume }: Quote, where: string): void {
    const before = this.quotes.get(symbol) ?? 0;
    // A conflated quote that was pending when a connection broke may be sent again.
    const least = this.withholds ? before : before + 1;
    assert.ok(Number(volume) >= least, `quotes never go back: ${where}`);
    this.quotes.set(symbol, Number(volume));
  }
}

function numbered(id: string): [string, number] {
  const [symbol, number] = id.split(':') as [string, string];
  return [symbol, Number(number)];
}

const ways = [
  { path: '/stocks/ONE', of: ['ONE'], withholds: false },
  { path: '/stocks?symbols=ONE,THREE', of: ['ONE', 'THREE'], withholds: false },
  { path: '/stocks?symbols=*', of: symbols, withholds: false },
  { path: '/stocks?symbols=*&max_rate=20', of: symbols, withholds: true },
] as const;

/** The least number of times that the connection of each client is cut. */
const CUTS = 150;

test('a client that is cut at random bytes gets each story once, in order, and the newest quotes', async ({
  serve,
}) => {
  console.log(`TICKERTAPE_SEED=${seed}`);
  const server = await serve('--feed', 'none', '--publish-token', grant);
  const publisher = new Publisher(server);
  await publisher.publish(symbols, 1);
  const followers = await Promise.all(
    ways.map(async ({ path, of, withholds }, index) => {
      const next = random(seed + index);
      const client = await Client.of(server, path, () => 1 + next(3_000));
      return { path, of, client, reader: new Reader(publisher, withholds) };
    }),
  );
  const take = () => {
    for (const { client, reader } of followers) reader.take(client.arrivals);
  };
  try {
    await expect.poll(() => followers.every(({ client }) => client.arrivals.length > 0)).toBe(true);
    const next = random(seed - 1);
    while (followers.some(({ client }) => client.wire.cuts < CUTS)) {
      await publisher.publish(symbols.slice(0, 1 + next(symbols.length)), next(3));
      take();
      // A pace of publications that a client can follow although it is cut all the time.
      await pause(next(10));
    }
    await publisher.publish(symbols, 1);
    for (const { path, of, client, reader } of followers) {
      const complete = () => {
        reader.take(client.arrivals);
        return reader.knows(of);
      };
      await expect.poll(complete, { message: `${path} ends with all` }).toBe(true);
      expect(client.resets, path).toBe(0);
    }
  } finally {
    await Promise.all(followers.map(({ client }) => client.end()));
  }
});

test('after a crash of the server a client gets a reset, since it may have missed events', async ({
  serve,
}) => {
  console.log(`TICKERTAPE_SEED=${seed}`);
  const server = await serve('--feed', 'none', '--publish-token', grant);
  const publisher = new Publisher(server);
  const next = random(seed);
  const client = await Client.of(server, '/stocks?symbols=*', () => 500 + next(20_000));
  const reader = new Reader(publisher, false);
  const complete = () => {
    reader.take(client.arrivals);
    return reader.knows(symbols);
  };
  try {
    for (let crashes = 0; crashes < 3; crashes++) {
      for (let round = 0; round < 10; round++) await publisher.publish(symbols, 1);
      await expect.poll(complete, 'all that was published arrives').toBe(true);
      expect(client.resets).toBe(crashes);
      // No client may receive these before the crash.
      await publisher.publish(symbols, 1);
      await server.kill();
      publisher.forget();
      await server.start();
      await publisher.publish(symbols, 1);
      await expect.poll(() => client.resets, 'it gets a reset').toBe(crashes + 1);
    }
    await publisher.publish(symbols, 1);
    await expect.poll(complete, 'and goes on').toBe(true);
  } finally {
    await client.end();
  }
});

test('an id that is not on the tape is answered with a reset, and an id of the tape is not', async ({
  serve,
}) => {
  const server = await serve('--feed', 'none', '--publish-token', grant);
  const publisher = new Publisher(server);
  await publisher.publish(symbols, 1);
  const own = publisher.last;
  await publisher.publish(['ONE'], 1);
  const [ms, n] = own.split('-').map(Number) as [number, number];
  const events = async (after: string) => {
    const response = await fetch(`${server.url}/stocks?symbols=*&after=${encodeURIComponent(after)}`);
    const { events } = (await response.json()) as { events: { event: string; data: Snapshot }[] };
    // The server adds its own sessions and bars.
    return events.filter(({ event }) => event !== 'session' && event !== 'bar');
  };
  expect((await events(own)).map(({ event }) => event)).toEqual(['news', 'message']);
  expect(await events(publisher.last)).toEqual([]);
  for (const foreign of [
    `${ms}-${n + 1000}`,
    `${ms}-${n % 1000}`,
    `${ms}`,
    `${ms}-`,
    `${ms + 1}-${n}-1`,
    `${ms + 60_000}-${n}`,
    `${ms - 60_000}-${n}`,
    'nonsense',
  ]) {
    const [first, ...others] = await events(foreign);
    expect(others, foreign).toEqual([]);
    expect(first, foreign).toMatchObject({ event: 'snapshot', data: { reset: true } });
  }
});
