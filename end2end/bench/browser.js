// A Chromium on a core of its own, and what it counts of a page.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

/** As the journeys choose it. */
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

/** Starts one on `core`, with more flags where needed. */
export async function start(core, flags = []) {
  const profile = await mkdtemp(join(tmpdir(), 'bench-page-'));
  const child = spawn(
    'taskset',
    ['-c', String(core), executable(), ...FLAGS, ...flags, `--user-data-dir=${profile}`, 'about:blank'],
    // A group of its own: what it starts ends with it.
    { stdio: ['ignore', 'ignore', 'pipe'], detached: true },
  );
  const endpoint = await new Promise((done, failed) => {
    let said = '';
    const timer = setTimeout(() => failed(new Error(`no browser after 30 s: ${said}`)), 30_000);
    child.once('error', failed);
    child.once('exit', (code) => failed(new Error(`the browser ended with ${code}: ${said}`)));
    child.stderr.on('data', (chunk) => {
      said += chunk;
      const found = said.match(/DevTools listening on (ws:\S+)/);
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
      const ended = new Promise((done) => child.once('exit', done));
      try {
        process.kill(-child.pid, 'SIGTERM');
      } catch {
        // It is gone.
      }
      if (child.exitCode === null && child.signalCode === null) {
        await ended;
      }
      await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}

/** A fresh page in a context of its own, for as long as `use` takes. */
export async function withPage(browser, url, use) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    deviceScaleFactor: 1,
    colorScheme: 'dark',
  });
  try {
    const page = await context.newPage();
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

/** Seconds of the main thread so far: all of it, and its scripts. */
export async function work(session) {
  const { metrics } = await session.send('Performance.getMetrics');
  const value = (name) => metrics.find((metric) => metric.name === name)?.value ?? 0;
  return { scripts: value('ScriptDuration'), all: value('TaskDuration') };
}

/** Bytes in use of the heap of scripts, after everything unused was collected. */
export async function heap(session) {
  await session.send('HeapProfiler.enable');
  await session.send('HeapProfiler.collectGarbage');
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  return usedSize;
}
