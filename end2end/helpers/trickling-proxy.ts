import { createServer, request, type Server as HttpServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A proxy like a slow line: documents arrive in pieces, everything else unchanged. */
export class TricklingProxy {
  private readonly server: HttpServer;

  /** Pauses documents after each of these texts for some milliseconds. */
  static async before(
    target: { host: string; port: number },
    cuts: RegExp,
    pause: number,
  ): Promise<TricklingProxy> {
    const proxy = new TricklingProxy(target, cuts, pause);
    await new Promise<void>((resolve) => proxy.server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  private constructor(
    target: { host: string; port: number },
    private readonly cuts: RegExp,
    private readonly pause: number,
  ) {
    this.server = createServer((incoming, outgoing) => {
      const { url: path, method, headers } = incoming;
      const document = headers['sec-fetch-dest'] === 'document';
      const asked = document ? { ...headers, 'accept-encoding': 'identity' } : headers;
      const onwards = request({ ...target, path, method, headers: asked }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        // A connection that breaks on one side is destroyed on the other.
        answer.on('close', () => answer.complete || outgoing.destroy());
        if (!document) return void answer.pipe(outgoing);
        let html = '';
        answer.setEncoding('utf8').on('data', (text: string) => (html += text));
        answer.on('end', () => void this.trickle(html, outgoing));
      });
      onwards.on('error', () => outgoing.destroy());
      outgoing.on('close', () => onwards.destroy());
      incoming.pipe(onwards);
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  private async trickle(html: string, outgoing: ServerResponse): Promise<void> {
    let from = 0;
    for (const { index, 0: text } of html.matchAll(this.cuts)) {
      outgoing.write(html.slice(from, index + text.length));
      from = index + text.length;
      await new Promise((resolve) => setTimeout(resolve, this.pause));
    }
    outgoing.end(html.slice(from));
  }
}
