import { grant, publish } from './publish.ts';
import type { Server } from './server.ts';

/** The arguments of a server that lets the desk publish. */
export const deskArguments = ['--publish-token', grant];

/** A quote at a moment. */
export function quote(symbol: string, price: string, time = Date.now()): object {
  return { event: 'quote', data: { symbol, time, price, volume: '100' } };
}

/** A story, identified by its headline. */
export function story(headline: string, symbols: string[], published = Date.now() - 1_000): object {
  const data = {
    id: `desk:${headline}`,
    type: 'headline',
    basis: 'native',
    symbols,
    headline,
    source: 'Desk',
    published,
  };
  return { event: 'news', data };
}

/** A bar of a minute. */
export function bar(symbol: string, start: number, close: string): object {
  const prices = { open: close, high: close, low: close, close };
  return { event: 'bar', data: { symbol, start, ...prices, volume: '100', trades: 1 } };
}

/** A publisher. */
export class Desk {
  constructor(private readonly server: Server) {}

  async publish(...events: object[]): Promise<void> {
    await publish(this.server, ...events);
  }
}

/** How many streams of a server are open, and how many it has opened in total. */
export async function streams(server: Server): Promise<{ open: number; ever: number }> {
  const response = await fetch(`${server.url}/stats`);
  const { connections } = (await response.json()) as {
    connections: { streams: number; streams_opened: number };
  };
  return { open: connections.streams, ever: connections.streams_opened };
}
