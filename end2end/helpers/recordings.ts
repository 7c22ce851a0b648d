import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { root } from './server.ts';

// The recordings are not part of the project. They may be in a folder beside it.
const folder = process.env.TICKERTAPE_RECORDINGS ?? resolve(root, '../shared/data');

export const binanceFile = join(folder, 'binance-btcusdt-20240808.jsonl.gz');
export const coinbaseFile = join(folder, 'coinbase-20210417.ws.gz');

export const haveRecordings = existsSync(binanceFile) && existsSync(coinbaseFile);
export const noRecordings = `there are no recordings in ${folder}: set TICKERTAPE_RECORDINGS to their folder`;

const lines = (file: string): string[] =>
  gunzipSync(readFileSync(file)).toString('utf8').split('\n').filter(Boolean);

/** A frame of Binance's combined stream: the name of its stream, and the text as sent. */
export interface BinanceFrame {
  stream: string;
  text: string;
}

export function binanceFrames(): BinanceFrame[] {
  return lines(binanceFile).map((line) => {
    const text = line.slice(line.indexOf(' ') + 1);
    return { stream: (JSON.parse(text) as { stream: string }).stream, text };
  });
}

/**
 * The same frames with the last trade moved to now: a source with a clock that is years behind is
 * rejected.
 */
export function binanceFramesOfNow(): BinanceFrame[] {
  const frames = binanceFrames();
  const trade = frames.findLast(({ stream }) => stream === 'btcusdt@trade');
  const last = (JSON.parse(trade!.text) as { data: { E: number } }).data.E;
  const later = Date.now() - last;
  const moved = (_: string, name: string, time: string) => `"${name}":${Number(time) + later}`;
  return frames.map(({ stream, text }) => ({
    stream,
    text: text.replace(/"([ET])":(\d+)/g, moved),
  }));
}

export interface Last {
  bid: string;
  'bid-size': string;
  ask: string;
  'ask-size': string;
  price: string;
}

/** What a page shows after the whole recording of Binance. */
export function binanceLast(): Last {
  const frames = binanceFrames();
  const last = (stream: string) => {
    const frame = frames.findLast((frame) => frame.stream === stream);
    if (!frame) throw new Error(`no ${stream} frame in ${binanceFile}`);
    return (JSON.parse(frame.text) as { data: Record<string, string> }).data;
  };
  const book = last('btcusdt@bookTicker');
  const trade = last('btcusdt@trade');
  return {
    bid: book.b!,
    'bid-size': book.B!,
    ask: book.a!,
    'ask-size': book.A!,
    price: trade.p!,
  };
}

/** The last traded price of each product in Coinbase's recording. */
export function coinbaseLast(): Map<string, string> {
  const prices = new Map<string, string>();
  for (const line of lines(coinbaseFile)) {
    const frame = /^[\d.]+: (\{.*)$/.exec(line)?.[1];
    if (frame === undefined) continue;
    const { type, product_id, price } = JSON.parse(frame) as Record<string, string>;
    if (['ticker', 'match', 'last_match'].includes(type!)) prices.set(product_id!, price!);
  }
  return prices;
}
