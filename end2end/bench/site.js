// Serves the page with one chart and its files, on loopback.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = fileURLToPath(new URL('.', import.meta.url));

const TYPES = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

/** The folders that the page may read, by the first part of the address. */
const folders = (chart) => ({
  page: join(HERE, 'page'),
  chart,
  style: join(HERE, '../../style'),
  'lightweight-charts': join(HERE, 'node_modules/lightweight-charts/dist'),
  uplot: join(HERE, 'node_modules/uplot/dist'),
});

/** Starts the server. `chart` is the folder with the build of the page's own chart. */
export async function serve(chart) {
  const known = folders(chart);
  const server = createServer(async (request, response) => {
    const [, first, ...rest] = normalize(new URL(request.url, 'http://bench').pathname).split('/');
    try {
      const body = await readFile(join(known[first] ?? '/nowhere', ...rest));
      response.writeHead(200, {
        'content-type': TYPES[extname(request.url)] ?? 'application/octet-stream',
        // With these headers a page's clock has a resolution of 5 µs instead of 100 µs.
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-embedder-policy': 'require-corp',
        'cache-control': 'no-store',
      });
      response.end(body);
    } catch {
      response.writeHead(404);
      response.end();
    }
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  return {
    page: `http://127.0.0.1:${port}/page/index.html`,
    close: () => new Promise((done) => server.close(done)),
  };
}
