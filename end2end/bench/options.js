// The options, with their defaults and checks.
import { parseArgs } from 'node:util';

export const CHARTS = ['tickertape', 'uplot', 'lightweight-charts', 'lightweight-charts-conflated'];
export const MEASURES = ['draw', 'stream', 'pointer', 'zoom', 'bytes', 'page', 'lighthouse'];

const HELP = `Measures the page and its chart in a browser, the chart beside others.

  --only A,B          of ${MEASURES.join(', ')}; all by default
  --charts A,B        of ${CHARTS.join(', ')}
  --points N,…        points of the first chart and of appending [1000,100000,1000000]
  --rounds N          a figure is the median of so many [5]
  --seconds N         of the stream of quotes [60]; the pointer and the wheel move a sixth as long
  --core N            the browser's [1]
  --harness-core N    this program's and the server's [0]
  --out FOLDER        for tables.md and figures.json [target/bench-page]
  --doc FILE          put the tables into this page, between its marks
  --quick             one round, few points and 5 seconds: whether all works, within two minutes

  --chart FOLDER, --tickertape FILE   what scripts/bench-page has built
`;

const whole = (name, text, least) => {
  const number = Number(text);
  if (!Number.isInteger(number) || number < least) {
    throw new Error(`--${name} '${text}' is not a whole number of at least ${least}`);
  }
  return number;
};

const some = (name, text, known) => {
  const chosen = text.split(',');
  const stray = chosen.find((one) => !known.includes(one));
  if (stray !== undefined) {
    throw new Error(`--${name} '${stray}' is none of ${known.join(', ')}`);
  }
  return chosen;
};

/** Reads the command line; null if only help was requested. */
export function read(args) {
  const text = { type: 'string' };
  const { values } = parseArgs({
    args,
    options: {
      only: text,
      charts: text,
      points: text,
      rounds: text,
      seconds: text,
      core: text,
      'harness-core': text,
      out: text,
      doc: text,
      chart: text,
      tickertape: text,
      quick: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return null;
  }
  const quick = values.quick ?? false;
  const points = values.points ?? (quick ? '1000,100000' : '1000,100000,1000000');
  return {
    quick,
    measures: some('only', values.only ?? MEASURES.join(','), MEASURES),
    charts: some('charts', values.charts ?? CHARTS.join(','), CHARTS),
    points: points.split(',').map((count) => whole('points', count, 2)),
    rounds: whole('rounds', values.rounds ?? (quick ? '1' : '5'), 1),
    seconds: whole('seconds', values.seconds ?? (quick ? '5' : '60'), 1),
    core: whole('core', values.core ?? '1', 0),
    harnessCore: whole('harness-core', values['harness-core'] ?? '0', 0),
    out: values.out ?? 'target/bench-page',
    doc: values.doc,
    chart: values.chart ?? 'target/bench-page/chart',
    tickertape: values.tickertape ?? 'target/dist/tickertape',
  };
}
