import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';

export type Role = 'api' | 'worker';

/** How a process ended. `signal` and `code` as Node tells them; `killed`: by `kill()` or `stop()` of ours. */
export type Ended = {
  signal: NodeJS.Signals | null;
  code: number | null;
  killed: boolean;
  upMs: number | null;
};

export type ProgramSetup = {
  /** Environment of the n-th start (1-based), beside PATH: how crash points are armed. */
  env?: (start: number) => Record<string, string>;
  /** Parameters of node itself, such as `--import file`. */
  node?: (start: number) => string[];
  /** Called at every end but a `stop()`, before the next start. */
  onExit?: (ended: Ended) => void;
};

/** How long a process that ended at its start (its database is away, say) is left alone. */
const pauseAfterFailureMs = 250;

/** One process under supervision: whenever it ends it is started again, until `stop()`. */
export class Program {
  readonly name: string;
  readonly role: Role;
  /** Starts so far. */
  starts = 0;
  /** Times it ended by itself after it was up. */
  readonly fell: Ended[] = [];
  #child: ChildProcess | null = null;
  #upSince: number | null = null;
  #stopped = false;
  #killed = false;
  #paused = false;
  #gone: Promise<unknown> = Promise.resolve();
  #waiting: (() => void)[] = [];
  #command: string[];
  #log: number;
  #setup: ProgramSetup;

  constructor(name: string, role: Role, command: string[], logFile: string, setup: ProgramSetup) {
    this.name = name;
    this.role = role;
    this.#command = command;
    this.#log = openSync(logFile, 'a');
    this.#setup = setup;
    this.#start();
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** It has said that it is at work, and runs. */
  get up(): boolean {
    return this.#upSince !== null && !this.#paused && !this.#killed;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Resolves once it is at work. */
  async whenUp(): Promise<void> {
    if (this.#upSince === null || this.#killed)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** SIGKILL. False: it was not running. */
  kill(): boolean {
    if (!this.#child) return false;
    this.#killed = true;
    this.#paused = false;
    return this.#child.kill('SIGKILL');
  }

  /** SIGSTOP: it holds its locks and connections, and does nothing. */
  pause(): void {
    if (this.#child?.kill('SIGSTOP')) this.#paused = true;
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
    this.#paused = false;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.kill();
    await this.#gone;
  }

  #start(): void {
    this.starts += 1;
    const { PATH } = process.env;
    const env = { ...(PATH ? { PATH } : {}), ...this.#setup.env?.(this.starts) };
    const parameters = [...(this.#setup.node?.(this.starts) ?? []), ...this.#command];
    const child = spawn(process.execPath, parameters, {
      env,
      stdio: ['ignore', this.#log, this.#log, 'ipc'],
    });
    this.#child = child;
    this.#killed = false;
    this.#paused = false;
    child.once('message', () => {
      this.#upSince = Date.now();
      for (const resolve of this.#waiting.splice(0)) resolve();
    });
    this.#gone = once(child, 'exit').then(([code, signal]) => this.#ended(code, signal));
  }

  #ended(code: number | null, signal: NodeJS.Signals | null): void {
    const upMs = this.#upSince === null ? null : Date.now() - this.#upSince;
    const ended = { code, signal, killed: this.#killed, upMs };
    this.#child = null;
    this.#upSince = null;
    this.#paused = false;
    if (this.#stopped) return;
    if (!ended.killed && signal !== 'SIGKILL' && upMs !== null) this.fell.push(ended);
    this.#setup.onExit?.(ended);
    if (ended.killed || upMs !== null) this.#start();
    else setTimeout(() => !this.#stopped && this.#start(), pauseAfterFailureMs);
  }
}
