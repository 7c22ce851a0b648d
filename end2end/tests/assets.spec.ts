import { get, type IncomingHttpHeaders } from 'node:http';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import budget from '../budget.json' with { type: 'json' };
import { expect, test } from '../helpers/journey.ts';
import type { Server } from '../helpers/server.ts';

/** An answer as received, not decompressed. */
async function raw(server: Server, path: string, encoding: string) {
  return await new Promise<{ status?: number; headers: IncomingHttpHeaders; body: Buffer }>(
    (done, failed) => {
      get(`${server.url}${path}`, { headers: { 'accept-encoding': encoding } }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', failed);
        response.on('end', () =>
          done({
            status: response.statusCode,
            headers: response.headers,
            body: Buffer.concat(chunks),
          }),
        );
      }).on('error', failed);
    },
  );
}

/** The assets that the page names. */
async function assets(server: Server): Promise<string[]> {
  const page = await fetch(`${server.url}/stocks/GOOG`, { headers: { accept: 'text/html' } });
  const named = (await page.text()).match(/\/pkg\/[\w.-]+\.(js|wasm|css)/g) ?? [];
  return [...new Set(named)];
}

test('assets have the hash of their content in their names, and are compressed and cached for ever', async ({
  market,
}) => {
  const paths = await assets(market);
  expect(paths.map((path) => path.split('.').at(-1)).sort()).toEqual(['css', 'js', 'wasm']);
  for (const path of paths) {
    expect(path).toMatch(/^\/pkg\/tickertape\.[\w-]{22}\.(css|js|wasm)$/);
    const plain = await raw(market, path, 'identity');
    expect(plain.status, path).toBe(200);
    expect(plain.headers['content-encoding'], path).toBeUndefined();
    for (const [encoding, decompress] of [
      ['br', brotliDecompressSync],
      ['gzip', gunzipSync],
    ] as const) {
      const { status, headers, body } = await raw(market, path, encoding);
      expect(status, path).toBe(200);
      expect(headers['content-encoding'], path).toBe(encoding);
      expect(headers['cache-control'], path).toBe('public, max-age=31536000, immutable');
      expect(headers['vary']?.toLowerCase(), path).toContain('accept-encoding');
      expect(headers['content-type'], path).toBe(plain.headers['content-type']);
      expect(body.length, path).toBeLessThan(plain.body.length);
      expect(decompress(body).equals(plain.body), path).toBe(true);
    }
  }
});

test('the wasm fits its budget', async ({ market }, testInfo) => {
  const path = (await assets(market)).find((path) => path.endsWith('.wasm'));
  const { headers, body } = await raw(market, path!, 'br');
  expect(headers['content-encoding']).toBe('br');
  const figure = `wasm: ${body.length} bytes after brotli, budget ${budget.wasm.brotli}`;
  console.log(figure);
  testInfo.annotations.push({ type: 'size', description: figure });
  expect(body.length, 'grown past what end2end/budget.json records').toBeLessThanOrEqual(
    budget.wasm.brotli,
  );
  expect(budget.wasm.brotli).toBeLessThanOrEqual(budget.wasm.limit);
});
