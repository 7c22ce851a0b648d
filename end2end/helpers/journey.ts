import { test as base, expect } from '@playwright/test';
import { Dashboard } from './dashboard.ts';
import { Server } from './server.ts';

interface Fixtures {
  /** Starts a server with these arguments, and ends it with the test. */
  serve: (...args: string[]) => Promise<Server>;
  /** The page, by roles and labels. */
  dashboard: Dashboard;
  /** Whether a warning or an error in the browser's console fails the journey. */
  quiet: boolean;
  /** Whether something that the security policy blocks fails the journey. */
  keepsPolicy: boolean;
  console: string[];
}

interface WorkerFixtures {
  /** A server with the simulated market, shared by the journeys that only look. */
  market: Server;
}

export const test = base.extend<Fixtures, WorkerFixtures>({
  market: [
    async ({}, use) => {
      const server = await Server.start('--seed', '7');
      await use(server);
      await server.stop();
    },
    { scope: 'worker' },
  ],
  serve: async ({}, use, testInfo) => {
    const servers: Server[] = [];
    await use(async (...args) => {
      const server = await Server.start(...args);
      servers.push(server);
      return server;
    });
    for (const server of servers) {
      await server.stop();
      if (testInfo.status !== testInfo.expectedStatus) {
        await testInfo.attach('server log', { body: server.log });
      }
    }
  },
  dashboard: async ({ page }, use) => {
    await use(new Dashboard(page));
  },
  quiet: [true, { option: true }],
  keepsPolicy: [true, { option: true }],
  console: [
    async ({ page, quiet, keepsPolicy }, use) => {
      const messages: string[] = [];
      page.on('console', (message) => {
        // A message of Playwright itself when it blocks workers.
        if (message.text().startsWith('Service Worker registration blocked')) return;
        if (['warning', 'error'].includes(message.type())) {
          messages.push(`${message.type()}: ${message.text()} (${message.location().url})`);
        }
      });
      page.on('pageerror', (error) => messages.push(`uncaught: ${error.stack ?? error.message}`));
      await use(messages);
      // The page must not violate its own policy, also if a journey expects other messages.
      const blocked = messages.filter((message) => message.includes('Content Security Policy'));
      if (keepsPolicy) expect(blocked, 'violations of the policy').toEqual([]);
      if (quiet) expect(messages, 'warnings and errors in the console').toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };
