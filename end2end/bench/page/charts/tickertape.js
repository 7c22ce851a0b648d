import init, { Bench } from '/chart/chart.js';

await init();

/** What the chart takes is what there is. */
export const prepare = (history) => history;

export function mount(box) {
  const chart = Bench.mount(box);
  return {
    set: ({ times, values }) => chart.set(times, values),
    push: (time, value) => chart.push(time, value),
    /** Counted by the chart itself, in what it says to screen readers. */
    count: () => Number(box.querySelector('[data-points]').dataset.points),
  };
}
