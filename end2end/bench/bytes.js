// The bytes that a chart takes over the network, by brotli at its best level, as from a server that
// compresses beforehand.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';

const HERE = fileURLToPath(new URL('.', import.meta.url));

/** The files without which there is no chart. */
const files = (chart) => ({
  tickertape: [
    join(chart, 'chart_bg.wasm'),
    join(chart, 'chart.js'),
    join(HERE, '../../style/tokens.css'),
    join(HERE, '../../style/chart.css'),
  ],
  uplot: [
    join(HERE, 'node_modules/uplot/dist/uPlot.iife.min.js'),
    join(HERE, 'node_modules/uplot/dist/uPlot.min.css'),
  ],
  'lightweight-charts': [
    join(HERE, 'node_modules/lightweight-charts/dist/lightweight-charts.standalone.production.js'),
  ],
});

const compressed = (bytes) =>
  brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  }).length;

/** Bytes of a chart, plain and compressed. */
export async function bytes(chart, folder) {
  const all = await Promise.all((files(folder)[chart] ?? []).map((path) => readFile(path)));
  if (all.length === 0) {
    return null;
  }
  const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
  return { plain: sum(all.map((file) => file.length)), brotli: sum(all.map(compressed)) };
}
