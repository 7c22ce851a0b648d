// The functions that the measuring program calls in a page. Times are measured here, in the same
// way for each chart.
import { history, walk } from './data.js';

const box = document.querySelector('#box');
let chart;
let library;

const now = () => performance.now();
const frame = () => new Promise((done) => requestAnimationFrame(done));
const task = () => new Promise((done) => setTimeout(done));

/** Resolves after the browser's work of this frame: scripts, layout, observers. */
async function frameEnd() {
  await frame();
  await new Promise((done) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = done;
    port2.postMessage(null);
  });
}

/** Waits until the canvases have drawn: reading a pixel forces that. */
function settle() {
  for (const canvas of box.querySelectorAll('canvas')) {
    if (canvas.width > 0 && canvas.height > 0) {
      canvas.getContext('2d').getImageData(0, 0, 1, 1);
    }
  }
}

/** Whether the line, which is blue in all charts, is in the middle of the box. */
function isDrawn() {
  for (const canvas of box.querySelectorAll('canvas')) {
    if (canvas.width < box.clientWidth / 2 || canvas.height < box.clientHeight / 2) {
      continue;
    }
    const middle = Math.floor(box.clientWidth / 2);
    const { data } = canvas.getContext('2d').getImageData(middle, 0, 1, canvas.height);
    for (let at = 0; at < data.length; at += 4) {
      const [red, green, blue, alpha] = data.subarray(at, at + 4);
      if (alpha > 128 && blue > 180 && blue - red > 90 && green > red) {
        return true;
      }
    }
  }
  return false;
}

async function untilDrawn() {
  const deadline = now() + 120_000;
  while (!isDrawn()) {
    if (now() > deadline) {
      throw new Error('no line to be seen after two minutes');
    }
    await frameEnd();
  }
}

/** Loads the library. */
export async function load(name) {
  const before = now();
  library = await import(`./charts/${name}.js`);
  return { startUp: now() - before };
}

let points;
let last;

/** Prepares so many points in memory, in the format of the chart. */
export async function prepare(count) {
  const given = history(count);
  last = { time: given.times[count - 1], value: given.values[count - 1] };
  const before = now();
  points = library.prepare(given);
  const prepared = now() - before;
  await frameEnd();
  return { prepared };
}

/** Draws a chart of the points in memory. */
export async function draw() {
  // Starts just after a frame, so that all charts have the same time until the next.
  await frameEnd();
  await task();
  const began = now();
  chart = library.mount(box);
  chart.set(points);
  await Promise.resolve();
  const called = now();
  await frameEnd();
  await untilDrawn();
  const drawn = now();
  points = undefined;
  return { called: called - began, drawn: drawn - began };
}

/** How many points the chart reports, within a second. */
export async function count(expected) {
  const deadline = now() + 1_500;
  while (chart.count() !== expected && now() < deadline) {
    await new Promise((done) => setTimeout(done, 50));
  }
  return chart.count();
}

/**
 * Milliseconds for each appended point, for a limited time: the call and the frame in which it is
 * drawn, and of that the scripts.
 */
export async function append({ times, seconds }) {
  const price = walk(3, Math.round(last.value * 100));
  const scripts = [];
  const drawn = [];
  const end = now() + seconds * 1_000;
  while (drawn.length < times && now() < end) {
    await frameEnd();
    await task();
    let began;
    requestAnimationFrame(() => {
      began = now();
    });
    const before = now();
    last.time += 1_000;
    chart.push(last.time, price());
    // uPlot draws in a microtask, the others in a frame.
    await Promise.resolve();
    const called = now();
    settle();
    const pushed = now();
    await new Promise((done) => {
      requestAnimationFrame(() => {
        const ran = now();
        settle();
        scripts.push(called - before + (ran - began));
        drawn.push(pushed - before + (now() - began));
        done();
      });
    });
  }
  return { scripts, drawn };
}

/** Quotes of many symbols for some time. The chart shows the first symbol. */
export async function stream({ milliseconds, rate, symbols }) {
  const prices = Array.from({ length: symbols }, (_, index) => walk(100 + index));
  const shown = walk(3, Math.round(last.value * 100));
  const latest = new Map();
  let made = 0;
  let pushed = 0;
  const began = now();
  await new Promise((done) => {
    const timer = setInterval(() => {
      const elapsed = now() - began;
      const due = Math.floor((Math.min(elapsed, milliseconds) * rate) / 1_000);
      for (; made < due; made += 1) {
        const symbol = made % symbols;
        const price = symbol === 0 ? shown() : prices[symbol]();
        latest.set(symbol, price);
        if (symbol === 0) {
          // The time when it was due, so that no two quotes have the same time when the timer is
          // late.
          chart.push(last.time + 1_000 + Math.floor((made * 1_000) / rate), price);
          pushed += 1;
        }
      }
      if (elapsed >= milliseconds) {
        clearInterval(timer);
        done();
      }
    }, 4);
  });
  return { made, pushed };
}

globalThis.bench = { append, count, draw, load, prepare, stream };
