import { publish, session } from './publish.ts';
import type { Server } from './server.ts';

/** The beginning of the market that stands still: 5 January 2026, 9:30 in New York. */
export const begin = Date.UTC(2026, 0, 5, 14, 30);

const MINUTE = 60_000;

/** Pseudo-random numbers from 0 to 1, the same each time (Park and Miller's minimal standard). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 16807) % 2147483647;
    return state / 2147483647;
  };
}

interface Minute {
  start: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
}

/** Some hours of one-minute bars that are the same each time. */
export function minutes(seed: number, count = 390, from = 100): Minute[] {
  const next = numbers(seed);
  const bars: Minute[] = [];
  let price = from;
  for (let n = 0; n < count; n++) {
    const open = price;
    const close = Math.max(open * 0.5, open + (next() - 0.5) * from * 0.012);
    const high = Math.max(open, close) + next() * from * 0.003;
    const low = Math.min(open, close) - next() * from * 0.003;
    const volume = Math.round(100 + next() * 9_000);
    bars.push({ start: begin + n * MINUTE, open, high, low, close, volume });
    price = close;
  }
  return bars;
}

/**
 * Publishes the bars of a symbol, and a quote at the end of the last one, so that no further bar is
 * built: from then on the symbol stands still.
 */
export async function still(server: Server, symbol: string, bars: Minute[]): Promise<void> {
  const last = bars.at(-1)!;
  const decimal = (value: number) => value.toFixed(2);
  const quote = {
    symbol,
    time: last.start + MINUTE - 1,
    price: decimal(last.close),
    volume: '1000000',
  };
  const events = bars.map(({ start, open, high, low, close, volume }) => ({
    event: 'bar',
    data: {
      symbol,
      start,
      open: decimal(open),
      high: decimal(high),
      low: decimal(low),
      close: decimal(close),
      volume: String(volume),
      trades: 10,
    },
  }));
  await publish(server, session(symbol, `${symbol} that stands still`, '100'), ...events, {
    event: 'quote',
    data: quote,
  });
}
