import { connect, createServer, type AddressInfo, type Server as TcpServer, type Socket } from 'node:net';

/** An event as a client hands it out. */
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

/** The first place where ids do not rise, or nothing. */
export function firstFall(events: Received[]): string | undefined {
  for (let i = 1; i < events.length; i++) {
    const [before, after] = [events[i - 1]!.id, events[i]!.id];
    if (compareIds(before, after) >= 0) return `${after} after ${before}`;
  }
  return undefined;
}

/** Stands between a client and a server, and can break the connection as a network does. */
export class Wire {
  private readonly sockets = new Set<Socket>();
  private readonly server: TcpServer;
  /** How many connections have come. */
  connections = 0;

  private constructor(target: { host: string; port: number }) {
    this.server = createServer((client) => {
      this.connections++;
      const upstream = connect(target);
      client.pipe(upstream);
      upstream.pipe(client);
      for (const [socket, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        this.sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => {
          this.sockets.delete(socket);
          other.destroy();
        });
      }
    });
  }

  static async to(target: { host: string; port: number }): Promise<Wire> {
    const wire = new Wire(target);
    await new Promise<void>((resolve) => wire.server.listen(0, '127.0.0.1', resolve));
    return wire;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  cut(): void {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.cut();
    await closed;
  }
}
