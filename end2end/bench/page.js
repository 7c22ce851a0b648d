// The whole page from a server: its bytes, and its costs in the browser at a thousand quotes a
// second.
import { get } from 'node:http';
import { brotliDecompressSync, constants, createBrotliDecompress } from 'node:zlib';
import { observe, withPage } from './browser.js';
import { startServer } from './server.js';

/**
 * The bytes that arrive before the browser has acknowledged anything: ten packets, as in Linux and
 * most other systems.
 */
const FIRST_FLIGHT = 10 * 1_460;

/** An answer as received, and the size of its head. */
function fetched(url, accept) {
  return new Promise((done, failed) => {
    get(url, { headers: { accept, 'accept-encoding': 'br' } }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', failed);
      response.on('end', () => {
        const head = response.rawHeaders.reduce((sum, text) => sum + text.length + 2, 19);
        if (response.statusCode !== 200) {
          failed(new Error(`${url} answered ${response.statusCode}`));
          return;
        }
        done({ head, body: Buffer.concat(chunks), encoding: response.headers['content-encoding'] });
      });
    }).on('error', failed);
  });
}

/** How many bytes of a compressed page the browser needs up to a mark, found by trying. */
async function bytesUntil(body, mark) {
  const until = (length) =>
    new Promise((done) => {
      // A truncated stream is decompressed as far as possible.
      const stream = createBrotliDecompress({ finishFlush: constants.BROTLI_OPERATION_FLUSH });
      const chunks = [];
      stream.on('data', (chunk) => chunks.push(chunk));
      stream.on('error', () => done(Buffer.concat(chunks).includes(mark)));
      stream.on('end', () => done(Buffer.concat(chunks).includes(mark)));
      stream.end(body.subarray(0, length));
    });
  let [short, enough] = [0, body.length];
  while (enough - short > 16) {
    const middle = (short + enough) >> 1;
    if (await until(middle)) {
      enough = middle;
    } else {
      short = middle;
    }
  }
  return enough;
}

/**
 * Bytes of everything that the page of a symbol needs, by brotli, without heads except the
 * document's.
 */
export async function weigh(url) {
  const page = await fetched(`${url}/stocks/GOOG`, 'text/html');
  const text = brotliDecompressSync(page.body).toString();
  const sizes = { html: page.body.length, head: page.head };
  sizes.seen = await bytesUntil(page.body, 'id="page-data"');
  for (const path of new Set(text.match(/\/pkg\/[\w.-]+\.(js|wasm|css)/g))) {
    const { body, encoding } = await fetched(`${url}${path}`, '*/*');
    if (encoding !== 'br') {
      throw new Error(`${path} came without brotli: build with --precompress`);
    }
    sizes[path.split('.').at(-1)] = body.length;
  }
  sizes.all = sizes.html + sizes.css + sizes.js + sizes.wasm;
  sizes.inFirstFlight = sizes.head + sizes.seen <= FIRST_FLIGHT ? 1 : 0;
  return sizes;
}

const SYMBOLS = Array.from({ length: 30 }, (_, index) => `BENCH${String.fromCharCode(65 + (index % 26))}${index < 26 ? '' : 'A'}`);

/** Writes quotes to the feed of a server at a rate per second, for some seconds. */
async function quotes(input, seconds, rate) {
  const began = performance.now();
  let made = 0;
  for (;;) {
    const elapsed = performance.now() - began;
    if (elapsed >= seconds * 1_000) {
      return made;
    }
    const due = Math.floor((elapsed * rate) / 1_000);
    let lines = '';
    for (; made < due; made += 1) {
      const cents = 60_000 + Math.round(900 * Math.sin(made / 700)) + (made % 7);
      const data = { symbol: SYMBOLS[made % SYMBOLS.length], time: Date.now(), price: (cents / 100).toFixed(2) };
      lines += `${JSON.stringify({ event: 'quote', data })}\n`;
    }
    if (lines !== '' && !input.write(lines)) {
      await new Promise((drained) => input.once('drain', drained));
    }
    await new Promise((done) => setTimeout(done, 4));
  }
}

/**
 * Follows a thousand quotes a second for some seconds. The page shows all as text and one symbol as
 * a chart.
 */
export async function follow(browser, binary, { seconds }) {
  const server = await startServer(binary, ['--feed', 'stdin']);
  try {
    // The page needs prices to show.
    await quotes(server.input, 1, 300);
    return await withPage(browser, `${server.url}/stocks/${SYMBOLS[0]}`, async (page, session) => {
      await page.locator('.chart.drawn').waitFor();
      return observe(page, session, async () => ({ made: await quotes(server.input, seconds, 1_000) }));
    });
  } finally {
    await server.stop();
  }
}
