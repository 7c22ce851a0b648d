import { mount as plain } from './lightweight-charts.js';

export { prepare } from './lightweight-charts.js';

/** With the option that joins points closer than half a pixel. */
export const mount = (box) => plain(box, true);
