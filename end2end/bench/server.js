// A running tickertape, on its own port.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** Starts it without an archive, with additional options. The feed `stdin` reads its input. */
export async function startServer(binary, args) {
  const child = spawn(binary, ['--listen', '127.0.0.1:0', ...args], {
    env: { ...process.env, TICKERTAPE_DATA: 'none' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const url = await new Promise((found, failed) => {
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        output += `${line}\n`;
        const address = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
        if (address !== undefined) {
          found(address);
        }
      });
    }
    child.once('error', failed);
    child.once('exit', (code) => failed(new Error(`tickertape ended with ${code}:\n${output}`)));
  });
  const deadline = Date.now() + 15_000;
  while (!(await fetch(`${url}/health/ready`)).ok) {
    if (Date.now() > deadline) {
      throw new Error(`${url} is not ready after 15 s`);
    }
    await new Promise((done) => setTimeout(done, 50));
  }
  return {
    url,
    input: child.stdin,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        const exit = once(child, 'exit');
        child.kill('SIGTERM');
        await exit;
      }
    },
  };
}
