import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { BinanceFrame } from './recordings.ts';

/**
 * A server with the protocol of Binance's combined streams, which plays recorded frames. The
 * subscription is in the address (`/stream?streams=a/b`) or is sent as
 * `{"method":"SUBSCRIBE","params":[…],"id":1}`. Only subscribed streams are sent, and pings now and
 * then. A connection begins where the previous one ended, as in a market.
 */
export class BinanceServer {
  /** The subscriptions of each connection, in order. */
  readonly subscriptions: string[][] = [];
  /** How many pings were answered. */
  pongs = 0;

  private next = 0;
  private readonly server = new WebSocketServer({ port: 0, host: '127.0.0.1', path: '/stream' });

  /** `cutAt` is the frame at which the first connection is cut without a closing handshake. */
  static async start(frames: BinanceFrame[], cutAt?: number): Promise<BinanceServer> {
    const binance = new BinanceServer(frames, cutAt);
    await once(binance.server, 'listening');
    return binance;
  }

  private constructor(
    private readonly frames: BinanceFrame[],
    private readonly cutAt: number | undefined,
  ) {
    this.server.on('connection', (socket, request) => {
      const query = new URL(request.url ?? '', 'ws://localhost').searchParams.get('streams');
      const streams = new Set(query?.split('/').filter(Boolean));
      socket.on('pong', () => this.pongs++);
      const begin = () => {
        this.subscriptions.push([...streams]);
        this.play(socket, streams).catch((error: unknown) => socket.close(1011, String(error)));
      };
      if (streams.size > 0) begin();
      socket.on('message', (data: Buffer) => {
        const { method, params, id } = JSON.parse(data.toString()) as {
          method: string;
          params: string[];
          id: number;
        };
        if (method !== 'SUBSCRIBE') return;
        const first = streams.size === 0;
        for (const stream of params) streams.add(stream);
        socket.send(JSON.stringify({ result: null, id }));
        if (first) begin();
      });
    });
  }

  /** The address of `/stream`. */
  get url(): string {
    return `ws://127.0.0.1:${(this.server.address() as AddressInfo).port}/stream`;
  }

  /** Whether every frame has been sent. */
  get done(): boolean {
    return this.next >= this.frames.length;
  }

  async close(): Promise<void> {
    for (const client of this.server.clients) client.terminate();
    await new Promise((resolve) => this.server.close(resolve));
  }

  // A frame counts as sent only when the socket has taken it, so this is as fast as the other side
  // reads.
  private async play(socket: WebSocket, streams: Set<string>): Promise<void> {
    const cutAt = this.subscriptions.length === 1 ? this.cutAt : undefined;
    for (; !this.done && socket.readyState === socket.OPEN; this.next++) {
      if (this.next === cutAt) {
        socket.terminate();
        return;
      }
      const frame = this.frames[this.next]!;
      if (!streams.has(frame.stream)) continue;
      if (this.next % 1000 === 0) socket.ping();
      const sent = new Promise<void>((done, failed) =>
        socket.send(frame.text, (error) => (error ? failed(error) : done())),
      );
      if (socket.bufferedAmount > 65_536) await sent;
      else sent.catch(() => {});
    }
    if (socket.readyState === socket.OPEN) socket.ping();
  }
}
