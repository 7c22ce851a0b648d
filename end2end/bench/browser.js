// A Chromium on its own core, and its measurements of a page.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

/** Chosen in the same way as for the journeys. */
const SYSTEM = '/usr/bin/chromium';

const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-extensions',
  '--no-first-run',
  '--force-device-scale-factor=1',
  '--hide-scrollbars',
  '--remote-debugging-port=0',
];

export function executable() {
  return existsSync(SYSTEM) ? SYSTEM : chromium.executablePath();
}

/** Starts a browser on `core`, with additional flags. */
export async function start(core, flags = []) {
  const profile = await mkdtemp(join(tmpdir(), 'bench-page-'));
  const child = spawn(
    'taskset',
    ['-c', String(core), executable(), ...FLAGS, ...flags, `--user-data-dir=${profile}`, 'about:blank'],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const endpoint = await new Promise((done, failed) => {
    let output = '';
    const timer = setTimeout(() => failed(new Error(`no browser after 30 s: ${output}`)), 30_000);
    child.once('error', failed);
    child.once('exit', (code) => failed(new Error(`the browser ended with ${code}: ${output}`)));
    child.stderr.on('data', (chunk) => {
      output += chunk;
      const found = output.match(/DevTools listening on (ws:\S+)/);
      if (found) {
        clearTimeout(timer);
        done(found[1]);
      }
    });
  });
  const browser = await chromium.connectOverCDP(endpoint);
  return {
    browser,
    port: Number(new URL(endpoint).port),
    version: browser.version(),
    async close() {
      await browser.close().catch(() => {});
      if (child.exitCode === null && child.signalCode === null) {
        const ended = once(child, 'exit');
        // It ends the processes that it started.
        child.kill('SIGTERM');
        await ended;
      }
      await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}

/**
 * Runs in each page before its own scripts: records when frames begin, and the memory of
 * WebAssembly.
 */
function inPage() {
  const memories = [];
  for (const name of ['instantiate', 'instantiateStreaming']) {
    const original = WebAssembly[name];
    WebAssembly[name] = async (...args) => {
      const made = await original(...args);
      const { memory } = (made.instance ?? made).exports;
      if (memory) {
        memories.push(memory);
      }
      return made;
    };
  }
  let stamps;
  globalThis.observer = {
    start() {
      const mine = [];
      stamps = mine;
      const next = (stamp) => {
        mine.push(stamp);
        if (stamps === mine) {
          requestAnimationFrame(next);
        }
      };
      requestAnimationFrame(next);
    },
    /** Milliseconds between each frame and the next. */
    stop() {
      const noted = stamps;
      stamps = undefined;
      return noted.slice(1).map((stamp, index) => stamp - noted[index]);
    },
    memory: () => memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0),
  };
}

/** A new page in its own context, as long as `use` takes. */
export async function withPage(browser, url, use) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    deviceScaleFactor: 1,
    colorScheme: 'dark',
  });
  try {
    const page = await context.newPage();
    await page.addInitScript(inPage);
    const errors = [];
    page.on('pageerror', (error) => errors.push(error));
    await page.goto(url, { waitUntil: 'load' });
    const session = await context.newCDPSession(page);
    await session.send('Performance.enable', { timeDomain: 'threadTicks' });
    const result = await use(page, session);
    if (errors.length > 0) {
      throw errors[0];
    }
    return result;
  } finally {
    await context.close();
  }
}

/**
 * Waits until the browser is idle: with a new window it loads its own pages for a second or so, on
 * the measured core.
 */
export async function settled(browser) {
  const session = await browser.newBrowserCDPSession();
  const spent = async () => {
    const { processInfo } = await session.send('SystemInfo.getProcessInfo');
    return processInfo.reduce((sum, { cpuTime }) => sum + cpuTime, 0);
  };
  const deadline = performance.now() + 30_000;
  let before = await spent();
  for (let quiet = 0; quiet < 3; ) {
    if (performance.now() > deadline) {
      throw new Error('the browser is still busy after 30 s');
    }
    await new Promise((done) => setTimeout(done, 100));
    const now = await spent();
    // The measurement itself costs a little, too.
    quiet = now - before <= 0.01 ? quiet + 1 : 0;
    before = now;
  }
  await session.detach();
}

/** Seconds of the main thread so far: in total, and for scripts. */
export async function work(session) {
  const { metrics } = await session.send('Performance.getMetrics');
  const value = (name) => metrics.find((metric) => metric.name === name)?.value ?? 0;
  return { scripts: value('ScriptDuration'), all: value('TaskDuration') };
}

/** Bytes in use after garbage collection: the heap of scripts, and all memory of WebAssembly. */
export async function heap(page, session) {
  await session.send('HeapProfiler.enable');
  await session.send('HeapProfiler.collectGarbage');
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  return usedSize + (await page.evaluate(() => observer.memory()));
}

/**
 * The length of a frame at 60 per second, in ms. A frame was missed if the next one takes one and a
 * half of it.
 */
const FRAME = 1_000 / 60;

/** Frames, main thread and memory of a page while `run` ran. */
export async function observe(page, session, run) {
  const memory = await heap(page, session);
  await page.evaluate(() => observer.start());
  const before = await work(session);
  const began = performance.now();
  const result = await run();
  const seconds = (performance.now() - began) / 1_000;
  const after = await work(session);
  const gaps = await page.evaluate(() => observer.stop());
  return {
    ...result,
    seconds,
    frames: gaps.length,
    late: gaps.filter((gap) => gap > 1.5 * FRAME).length,
    longest: Math.max(...gaps),
    scripts: ((after.scripts - before.scripts) * 1_000) / seconds,
    work: ((after.all - before.all) * 1_000) / seconds,
    heap: ((await heap(page, session)) - memory) / 1_024,
  };
}
