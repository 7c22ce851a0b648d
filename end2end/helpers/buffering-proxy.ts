import {
  createServer,
  type IncomingMessage,
  request,
  type Server as HttpServer,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * What happens to a stream: its body is held back until the end, all of it is, it is refused, or it
 * passes.
 */
export type Treatment = 'hold body' | 'hold all' | 'refuse' | 'pass';

/**
 * A proxy like those of companies and hotels. It forwards everything except streams as it arrives.
 */
export class BufferingProxy {
  /** What happens to streams that are opened from now on. */
  treatment: Treatment;
  /**
   * The ids after which streams and polls were requested, and the last id of each poll's answer, in
   * order.
   */
  readonly asked: { way: 'stream' | 'poll'; after: string; last?: string }[] = [];
  /** The maximum number of concurrent requests for events. */
  most = 0;

  private open = 0;
  private readonly server: HttpServer;

  static async before(
    target: { host: string; port: number },
    treatment: Treatment,
  ): Promise<BufferingProxy> {
    const proxy = new BufferingProxy(target, treatment);
    await new Promise<void>((resolve) => proxy.server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  private constructor(
    private readonly target: { host: string; port: number },
    treatment: Treatment,
  ) {
    this.treatment = treatment;
    this.server = createServer((incoming, outgoing) => this.forward(incoming, outgoing));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** How often the page has polled. */
  get polls(): number {
    return this.asked.filter(({ way }) => way === 'poll').length;
  }

  get streams(): number {
    return this.asked.length - this.polls;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  private forward(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const query = new URL(incoming.url ?? '', 'http://localhost').searchParams;
    const isStream = incoming.headers.accept?.includes('text/event-stream') ?? false;
    const asked = isStream
      ? { way: 'stream' as const, after: query.get('last_event_id') ?? '' }
      : { way: 'poll' as const, after: query.get('after') ?? '' };
    const isForEvents = isStream || query.has('after');
    if (isForEvents) {
      this.asked.push(asked);
      this.most = Math.max(this.most, ++this.open);
      outgoing.on('close', () => this.open--);
    }
    if (isStream && this.treatment === 'refuse') {
      outgoing.writeHead(502, { 'content-type': 'text/plain' }).end('bad gateway');
      return;
    }
    const { treatment } = this;
    const upstream = request(
      { ...this.target, method: incoming.method, path: incoming.url, headers: incoming.headers },
      (answer) => {
        const begin = () => outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.on('error', () => outgoing.destroy());
        if (isStream && treatment !== 'pass') {
          if (treatment === 'hold body') begin().flushHeaders();
          const held: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => held.push(chunk));
          answer.on('end', () => {
            if (treatment === 'hold all') begin();
            outgoing.end(Buffer.concat(held));
          });
          return;
        }
        begin();
        if (isForEvents && !isStream) {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('end', () => {
            const { last_event_id } = JSON.parse(Buffer.concat(chunks).toString()) as {
              last_event_id: string;
            };
            Object.assign(asked, { last: last_event_id });
          });
        }
        answer.pipe(outgoing);
      },
    );
    // The answer is read here, so it must not be compressed.
    if (isForEvents) upstream.removeHeader('accept-encoding');
    upstream.on('error', () => outgoing.destroy());
    outgoing.on('close', () => upstream.destroy());
    incoming.pipe(upstream);
  }
}
