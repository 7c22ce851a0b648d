import uPlot from '/uplot/uPlot.esm.js';

/** It takes columns, in seconds. Plain arrays, which can grow: those that it is to be appended to. */
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
    // Made with its data, as it is meant to be.
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
