import init, { Bench } from '/chart/chart.js';

await init();

/** The chart takes the data unchanged. */
export const prepare = (history) => history;

export function mount(box) {
  const chart = Bench.mount(box);
  return {
    set: ({ times, values }) => chart.set(times, values),
    push: (time, value) => chart.push(time, value),
    /** Read from the chart's summary for screen readers. */
    count: () => Number(box.querySelector('[data-points]').dataset.points),
  };
}
