import uPlot from '/uplot/uPlot.esm.js';

/** Takes columns, with times in seconds. They are plain arrays, to which points can be appended. */
export const prepare = ({ times, values }) => [
  Array.from(times, (time) => time / 1_000),
  Array.from(values),
];

export function mount(box) {
  let data = [[], []];
  const axis = { stroke: '#8b95a5', grid: { stroke: '#232b36', width: 1 }, ticks: { stroke: '#232b36' } };
  const fill = (plot) => {
    const gradient = plot.ctx.createLinearGradient(0, 0, 0, plot.bbox.height);
    gradient.addColorStop(0, 'rgba(76, 141, 255, 0.24)');
    gradient.addColorStop(1, 'rgba(76, 141, 255, 0.02)');
    return gradient;
  };
  const options = {
    width: box.clientWidth,
    height: box.clientHeight,
    legend: { show: false },
    axes: [axis, { ...axis, side: 1 }],
    series: [{}, { stroke: '#4c8dff', width: 1, fill, points: { show: false } }],
  };
  let plot;
  return {
    // Created with its data, as intended by uPlot.
    set: (columns) => {
      data = columns;
      plot = new uPlot(options, data, box);
    },
    push: (time, value) => {
      data[0].push(time / 1_000);
      data[1].push(value);
      plot.setData(data);
    },
    count: () => plot.data[0].length,
  };
}
