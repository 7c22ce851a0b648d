import { createHash } from 'node:crypto';
import { expect } from '@playwright/test';
import type { Server } from './server.ts';

const token = 'the-token-of-the-journey';
/** What a server is started with, so that it believes the journey. */
export const grant = `journey:${createHash('sha256').update(token).digest('hex')}`;

export interface Answer {
  count: number;
  unchanged: number;
  late: number;
  last_event_id: string;
}

/** Publishes events as somebody outside does, and gives the answer to it. */
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
