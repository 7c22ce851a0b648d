import { AreaSeries, createChart } from '/lightweight-charts/lightweight-charts.standalone.production.mjs';

/** Takes objects with times in seconds. */
export const prepare = ({ times, values }) =>
  Array.from(times, (time, index) => ({ time: time / 1_000, value: values[index] }));

export function mount(box, conflation = false) {
  const chart = createChart(box, {
    width: box.clientWidth,
    height: box.clientHeight,
    layout: { background: { color: '#0f1419' }, textColor: '#8b95a5', attributionLogo: false },
    grid: { vertLines: { color: '#232b36' }, horzLines: { color: '#232b36' } },
    // By default it shows no more than two points per pixel.
    timeScale: {
      timeVisible: true,
      secondsVisible: true,
      minBarSpacing: 1e-4,
      enableConflation: conflation,
      precomputeConflationOnInit: conflation,
    },
  });
  const series = chart.addSeries(AreaSeries, {
    lineColor: '#4c8dff',
    lineWidth: 1,
    topColor: 'rgba(76, 141, 255, 0.24)',
    bottomColor: 'rgba(76, 141, 255, 0.02)',
  });
  return {
    set: (points) => {
      series.setData(points);
      chart.timeScale().fitContent();
    },
    push: (time, value) => series.update({ time: time / 1_000, value }),
    count: () => series.data().length,
  };
}
