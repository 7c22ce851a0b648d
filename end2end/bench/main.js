// Measures the page and its chart in a browser, and other charts for comparison.
import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { start } from './browser.js';
import { bytes } from './bytes.js';
import { draw, pointer, stream, zoom } from './charts.js';
import { judge } from './lighthouse.js';
import { read } from './options.js';
import { follow, weigh } from './page.js';
import { intoPage, tables } from './report.js';
import { startServer } from './server.js';
import { serve } from './site.js';

const log = (text) => process.stderr.write(`${text}\n`);

/** Each round begins with another chart, so that none is always the first. */
const rotated = (list, by) => list.map((_, index) => list[(index + by) % list.length]);

async function charts(options, note) {
  const site = await serve(options.chart);
  const started = await start(options.core);
  const at = { browser: started.browser, url: site.page };
  const most = Math.max(...options.points);
  const measures = [
    ...options.points.map((points) => ({
      measure: 'draw',
      of: points,
      run: (chart) => draw(at, chart, { points, times: options.quick ? 30 : 300, seconds: options.quick ? 2 : 10 }),
    })),
    { measure: 'stream', of: 1_000, run: (chart) => stream(at, chart, options), rounds: Math.min(options.rounds, 2) },
    {
      measure: 'pointer',
      of: 100_000,
      run: (chart) => pointer(at, chart, { points: 100_000, seconds: Math.ceil(options.seconds / 6) }),
      rounds: Math.min(options.rounds, 3),
    },
    {
      measure: 'zoom',
      of: most,
      run: (chart) => zoom(at, chart, { points: most, seconds: 4 * Math.ceil(options.seconds / 24) }),
      rounds: Math.min(options.rounds, 3),
      // uPlot has no zoom by wheel of its own.
      asked: options.charts.filter((chart) => chart !== 'uplot'),
    },
  ].filter(({ measure }) => options.measures.includes(measure));
  try {
    for (const { measure, of, run, rounds = options.rounds, asked = options.charts } of measures) {
      for (let round = 0; round < rounds; round += 1) {
        for (const chart of rotated(asked, round)) {
          log(`${measure} ${of}, round ${round + 1} of ${rounds}: ${chart}`);
          note({ measure, of, round, chart, values: await run(chart) });
        }
      }
    }
    return started.version;
  } finally {
    await started.close();
    await site.close();
  }
}

/** The page as a whole, from the release. */
async function page(options, note) {
  const chosen = (measure) => options.measures.includes(measure);
  const figure = (measure, round, values) => note({ measure, of: 0, round, chart: 'the page', values });
  if (chosen('bytes') || chosen('lighthouse')) {
    const server = await startServer(options.tickertape, ['--seed', '7']);
    try {
      if (chosen('bytes')) {
        figure('weight', 0, await weigh(server.url));
      }
      for (let round = 0; chosen('lighthouse') && round < options.rounds; round += 1) {
        log(`lighthouse, round ${round + 1} of ${options.rounds}`);
        // On all cores, so that the page's main thread does not wait for other work of the browser.
        const { port, close } = await start(`0-${cpus().length - 1}`);
        try {
          figure('lighthouse', round, await judge(port, `${server.url}/stocks/GOOG`));
        } finally {
          await close();
        }
      }
    } finally {
      await server.stop();
    }
  }
  const rounds = chosen('page') ? Math.min(options.rounds, 2) : 0;
  for (let round = 0; round < rounds; round += 1) {
    log(`page, round ${round + 1} of ${rounds}`);
    const { browser, close } = await start(options.core);
    try {
      figure('page', round, await follow(browser, options.tickertape, options));
    } finally {
      await close();
    }
  }
}

async function report(figures, machine, options) {
  const text = tables(figures, machine, options);
  await mkdir(options.out, { recursive: true });
  await writeFile(join(options.out, 'figures.json'), `${JSON.stringify({ machine, options, figures }, null, 1)}\n`);
  await writeFile(join(options.out, 'tables.md'), text);
  if (options.doc !== undefined) {
    await intoPage(options.doc, text);
  }
  process.stdout.write(text);
}

async function main() {
  const options = read(process.argv.slice(2));
  if (options === null) {
    return;
  }
  // All threads of this program, and processes that it starts, by default.
  const pinned = spawnSync('taskset', ['-acp', String(options.harnessCore), String(process.pid)]);
  if (pinned.status !== 0) {
    throw new Error(`taskset could not pin this program to core ${options.harnessCore}: ${pinned.stderr}`);
  }
  const figures = [];
  const note = (figure) => figures.push(figure);
  const machine = { processor: cpus()[0].model, cores: cpus().length, node: process.version };
  if (options.measures.includes('bytes')) {
    for (const chart of options.charts) {
      const values = await bytes(chart, options.chart);
      if (values !== null) {
        note({ measure: 'bytes', of: 0, round: 0, chart, values });
      }
    }
  }
  try {
    machine.browser = await charts(options, note);
    await page(options, note);
  } finally {
    // Also the measurements before something failed.
    await report(figures, machine, options);
  }
}

await main().catch((error) => {
  log(`bench-page: ${error.message}`);
  process.exitCode = 1;
});
