import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { env as environment } from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** The root of the repository. */
export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

const binary =
  process.env.TICKERTAPE_BINARY ??
  resolve(root, process.env.CARGO_TARGET_DIR ?? 'target', 'release/tickertape');

/** Runs `tickertape` until it ends, as for an import, and returns its output. */
export async function run(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(binary, args, { cwd: root });
  return stdout;
}

/** A running `tickertape`, on a port that it keeps when it is restarted. */
export class Server {
  private process: ChildProcess | undefined;
  private port = 0;
  private output: string[] = [];

  private constructor(private readonly args: string[]) {}

  static async start(...args: string[]): Promise<Server> {
    if (!existsSync(binary)) throw new Error(`${binary} does not exist: run make build first`);
    const server = new Server(args);
    await server.start();
    return server;
  }

  /** The address without a trailing slash. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get address(): { host: string; port: number } {
    return { host: '127.0.0.1', port: this.port };
  }

  /** Its output so far. */
  get log(): string {
    return this.output.join('\n');
  }

  async start(): Promise<void> {
    const process = spawn(binary, ['--listen', `127.0.0.1:${this.port}`, ...this.args], {
      cwd: root,
      // Nothing is archived without --data.
      env: { ...environment, TICKERTAPE_DATA: 'none' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.process = process;
    const printed = new Promise<number>((found, failed) => {
      for (const stream of [process.stdout, process.stderr]) {
        createInterface({ input: stream }).on('line', (line) => {
          this.output.push(line);
          const port = /http:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1];
          if (port !== undefined) found(Number(port));
        });
      }
      process.once('error', failed);
      process.once('exit', (code, signal) =>
        failed(new Error(`tickertape ended with ${signal ?? code}:\n${this.log}`)),
      );
    });
    this.port = await printed;
    await this.ready();
  }

  private async ready(): Promise<void> {
    const end = Date.now() + 15_000;
    let answer = 'none';
    while (Date.now() < end) {
      const response = await fetch(`${this.url}/health/ready`).catch(() => undefined);
      if (response?.ok) return;
      if (response) answer = `${response.status} ${await response.text()}`;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await this.kill();
    throw new Error(`not ready after 15 s, the last answer was ${answer}\n${this.log}`);
  }

  /** Ends it as an operator does. Returns the exit code, and how long it took in ms. */
  async stop(): Promise<{ code: number | null; took: number }> {
    const started = performance.now();
    const code = await this.end('SIGTERM');
    return { code, took: performance.now() - started };
  }

  /** Kills it, like a crash. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  private async end(signal: NodeJS.Signals): Promise<number | null> {
    const process = this.process;
    this.process = undefined;
    if (!process || process.exitCode !== null || process.signalCode !== null) return null;
    const exit = once(process, 'exit');
    process.kill(signal);
    const [code] = await exit;
    return code as number | null;
  }
}
