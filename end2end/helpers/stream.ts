import { connect, createServer, type AddressInfo, type Server as TcpServer, type Socket } from 'node:net';

/** An event as returned by a client. */
export interface Received {
  id: string;
  event: string;
  data: string;
}

/** Compares two ids `<ms>-<n>`. */
export function compareIds(a: string, b: string): number {
  const [aMs, aN] = a.split('-').map(Number) as [number, number];
  const [bMs, bN] = b.split('-').map(Number) as [number, number];
  return aMs - bMs || aN - bN;
}

/** The first place where ids do not ascend; nothing if they do. */
export function firstFall(events: Received[]): string | undefined {
  for (let i = 1; i < events.length; i++) {
    const [before, after] = [events[i - 1]!.id, events[i]!.id];
    if (compareIds(before, after) >= 0) return `${after} after ${before}`;
  }
  return undefined;
}

/** Pseudo-random numbers below a bound, the same for the same seed (mulberry32). */
export function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** A proxy between a client and a server that can break connections as a network does. */
export class Wire {
  private readonly sockets = new Set<Socket>();
  private readonly upstreams = new Set<Socket>();
  private readonly server: TcpServer;
  /** The number of connections so far. */
  connections = 0;
  /** The number of connections that were cut after their bytes. */
  cuts = 0;
  private stalled = false;

  private constructor(target: { host: string; port: number }, carries?: () => number) {
    this.server = createServer((client) => {
      this.connections++;
      const upstream = connect(target);
      this.upstreams.add(upstream);
      upstream.on('close', () => this.upstreams.delete(upstream));
      if (this.stalled) upstream.pause();
      client.pipe(upstream);
      if (carries) this.carry(upstream, client, carries());
      else upstream.pipe(client);
      for (const [socket, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        this.sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => {
          this.sockets.delete(socket);
          // Data in flight still arrives, also when the other end is gone.
          if (other.writableEnded) return;
          other.destroy();
        });
      }
    });
  }

  /** With `carries`, each connection is cut after that many bytes of the answer. */
  static async to(target: { host: string; port: number }, carries?: () => number): Promise<Wire> {
    const wire = new Wire(target, carries);
    await new Promise<void>((resolve) => wire.server.listen(0, '127.0.0.1', resolve));
    return wire;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  private carry(upstream: Socket, client: Socket, bytes: number): void {
    let left = bytes;
    upstream.on('data', (chunk: Buffer) => {
      if (chunk.length < left) {
        left -= chunk.length;
        client.write(chunk);
        return;
      }
      this.cuts++;
      upstream.destroy();
      client.end(chunk.subarray(0, left));
    });
    // A connection that the server ends is ended; one that breaks on this side is destroyed on the
    // other.
    upstream.on('end', () => client.end());
  }

  cut(): void {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  /** Holds back the answers of open connections, or sends them again. */
  stall(stalled: boolean): void {
    this.stalled = stalled;
    for (const upstream of this.upstreams) stalled ? upstream.pause() : upstream.resume();
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.cut();
    await closed;
  }
}
