// The figures as Markdown tables: medians of the rounds, and their ratios to other charts.
import { readFile, writeFile } from 'node:fs/promises';
import { median } from './charts.js';

const START = '<!-- tables of the page -->';
const END = '<!-- end of the tables of the page -->';

const round = (number, digits = 1) => (Number.isFinite(number) ? number.toFixed(digits) : '–');

const FRAMES = [
  ['frames', 'frames', 0],
  ['late', 'late', 0],
  ['longest, ms', 'longest', 1],
  ['scripts, ms a second', 'scripts', 1],
  ['main thread, ms a second', 'work', 1],
];
const MEMORY = ['memory grown, KiB', 'heap', 0];

/** The rows of a table: names, and how to read them from the values of a round. */
const COLUMNS = {
  draw: [
    ['first chart, ms', 'first', 1],
    ['of the main thread, ms', 'work', 1],
    ['append, ms', 'append', 2],
    ['append p99, ms', 'append99', 2],
    ['append, scripts alone, ms', 'appendScripts', 2],
    ['points shown', 'shown', 0],
    ['library ready, ms', 'startUp', 1],
    ['its form of the data, ms', 'prepared', 1],
  ],
  stream: [...FRAMES, MEMORY],
  pointer: FRAMES,
  zoom: FRAMES,
  page: [...FRAMES, MEMORY],
  weight: [
    ['document', 'html', 0],
    ['of that until all is seen', 'seen', 0],
    ['its head', 'head', 0],
    ['style', 'css', 0],
    ['script', 'js', 0],
    ['WebAssembly', 'wasm', 0],
    ['all', 'all', 0],
  ],
  lighthouse: [
    ['performance', 'performance', 0],
    ['accessibility', 'accessibility', 0],
    ['first paint, ms', 'fcp', 0],
    ['largest paint, ms', 'lcp', 0],
    ['blocking time, ms', 'tbt', 0],
    ['layout shift', 'cls', 3],
    ['speed index, ms', 'speed', 0],
  ],
  bytes: [
    ['bytes', 'plain', 0],
    ['by brotli', 'brotli', 0],
  ],
};

const TITLES = {
  draw: (of) => `First chart and appending, ${of.toLocaleString('en')} points`,
  stream: () => '1,000 quotes a second of 30 symbols, one of them shown',
  pointer: (of) => `The pointer over a chart of ${of.toLocaleString('en')} points`,
  zoom: (of) => `The wheel into a chart of ${of.toLocaleString('en')} points and out again`,
  page: () => 'The whole page with 1,000 quotes a second of 30 symbols',
  weight: () => 'Bytes of the page over the wire, by brotli',
  lighthouse: () => 'The page by Lighthouse, a phone on slow 4G',
  bytes: () => 'Bytes of a chart over the wire',
};

/** The compared figures. Less is better in each. */
const RATIOS = {
  draw: ['first', 'work', 'append', 'append99'],
  stream: ['scripts', 'work', 'heap'],
  pointer: ['scripts', 'work'],
  zoom: ['scripts', 'work'],
  bytes: ['brotli'],
};

const line = (cells) => `| ${cells.join(' | ')} |\n`;

function groups(figures) {
  const found = new Map();
  for (const figure of figures) {
    const key = `${figure.measure} ${figure.of}`;
    found.set(key, [...(found.get(key) ?? []), figure]);
  }
  return [...found.values()];
}

const values = (figures, chart, name) =>
  figures.filter((figure) => figure.chart === chart).map((figure) => figure.values[name]);

/** The median of the ratios of each round, so that a slow minute affects both. */
function ratio(figures, chart, other, name) {
  const [mine, theirs] = [values(figures, chart, name), values(figures, other, name)];
  const ratios = mine.slice(0, theirs.length).map((value, index) => value / theirs[index]);
  return ratios.length > 0 ? median(ratios) : NaN;
}

/** All tables. */
export function tables(figures, machine, options) {
  let text = `Measured on ${machine.processor}, ${machine.cores} cores: Chromium ${machine.browser} on core ${options.core}, `;
  text += `the program on core ${options.harnessCore}, Node ${machine.node.slice(1)}. Medians of ${options.rounds} rounds, quotes for ${options.seconds} s.\n`;
  for (const group of groups(figures)) {
    const { measure, of } = group[0];
    const columns = COLUMNS[measure];
    const charts = [...new Set(group.map(({ chart }) => chart))].sort((one, other) => options.charts.indexOf(one) - options.charts.indexOf(other));
    text += `\n#### ${TITLES[measure](of)}\n\n`;
    text += line(['', ...columns.map(([title]) => title)]);
    text += line(['---', ...columns.map(() => '--:')]);
    for (const chart of charts) {
      text += line([chart, ...columns.map(([, name, digits]) => round(median(values(group, chart, name)), digits))]);
    }
    for (const other of charts.slice(1)) {
      const compared = columns.map(([, name]) =>
        (RATIOS[measure] ?? []).includes(name) ? round(ratio(group, charts[0], other, name), 2) : '',
      );
      text += line([`${charts[0]} : ${other}`, ...compared]);
    }
  }
  return text;
}

/** Inserts the tables between the markers of a page. */
export async function intoPage(path, text) {
  const page = await readFile(path, 'utf8');
  const [start, end] = [page.indexOf(START), page.indexOf(END)];
  if (start < 0 || end < start) {
    throw new Error(`${path} has no '${START}' before '${END}'`);
  }
  await writeFile(path, `${page.slice(0, start + START.length)}\n\n${text}\n${page.slice(end)}`);
}
