import { existsSync } from 'node:fs';
import { defineConfig, devices } from '@playwright/test';

// A Chromium of the machine is used if there is one, otherwise the one that Playwright installs.
const chromium = '/usr/bin/chromium';

export default defineConfig({
  testDir: 'tests',
  outputDir: 'test-results',
  // Pictures are beside the journey that compares them, for all machines with the same fonts.
  snapshotPathTemplate: '{testDir}/chart-looks/{arg}{ext}',
  fullyParallel: true,
  // A journey that passes only on a retry has failed.
  retries: 0,
  workers: 2,
  timeout: 300_000,
  expect: { timeout: 15_000 },
  reporter: 'list',
  use: {
    ...devices['Desktop Chrome'],
    viewport: { width: 1280, height: 800 },
    // A service worker would answer requests that a journey holds back. Journeys about the worker
    // allow it.
    serviceWorkers: 'block',
    trace: 'retain-on-failure',
    launchOptions: {
      ...(existsSync(chromium) ? { executablePath: chromium } : {}),
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--no-first-run',
      ],
    },
  },
  projects: [{ name: 'chromium' }],
});
