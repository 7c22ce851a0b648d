import { existsSync } from 'node:fs';
import { defineConfig, devices } from '@playwright/test';

// A Chromium that the machine has is used as it is; else the one that Playwright installs.
const chromium = '/usr/bin/chromium';

export default defineConfig({
  testDir: 'tests',
  outputDir: 'test-results',
  // Pictures lie beside the journey that compares them, one for all machines that have the fonts of one.
  snapshotPathTemplate: '{testDir}/chart-looks/{arg}{ext}',
  fullyParallel: true,
  // A journey that passes only the second time has failed.
  retries: 0,
  workers: 2,
  timeout: 300_000,
  expect: { timeout: 15_000 },
  reporter: 'list',
  use: {
    ...devices['Desktop Chrome'],
    viewport: { width: 1280, height: 800 },
    // A worker would answer what a journey wants to hold back; those about it allow it.
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
