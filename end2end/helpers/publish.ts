import { createHash } from 'node:crypto';
import { expect } from '@playwright/test';
import type { Server } from './server.ts';

const token = 'the-token-of-the-journey';

/** The arguments of a server that lets [`publish`] publish. */
export const grant = `journey:${createHash('sha256').update(token).digest('hex')}`;

export interface Answer {
  count: number;
  unchanged: number;
  late: number;
  last_event_id: string;
}

/** Publishes events over HTTP, and returns the answer. */
export async function publish(server: Server, ...events: object[]): Promise<Answer> {
  const response = await fetch(`${server.url}/publish`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' },
    body: events.map((event) => JSON.stringify(event)).join('\n'),
  });
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return JSON.parse(text) as Answer;
}

/** A price of a symbol, as of now. */
export function quote(symbol: string, price: string): object {
  return { event: 'quote', data: { symbol, time: Date.now(), price, volume: '100' } };
}

/** The name of a symbol, and the close that its changes are relative to. */
export function session(symbol: string, name: string, close: string): object {
  const data = { symbol, name, currency: 'USD', source: 'Journey', quality: 'live', state: 'open' };
  return { event: 'session', data: { ...data, prev_close: close } };
}

/** A story about NEWCO, the same one each time. */
export function story(headline: string, more: object = {}): object {
  const data = {
    id: 'journey:1',
    type: 'headline',
    basis: 'native',
    symbols: ['NEWCO'],
    headline,
    source: 'Journey',
    published: Date.now() - 1_000,
    url: 'https://news.example/newco',
    ...more,
  };
  return { event: 'news', data };
}
