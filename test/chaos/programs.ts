import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';

export type Role = 'api' | 'worker';

/** How a process ended. `signal` and `code` are Node's; `killed` is true after our own `kill()` or `stop()`. */
export type ProcessExit = {
  signal: NodeJS.Signals | null;
  code: number | null;
  killed: boolean;
  upMs: number | null;
};

export type ProgramSetup = {
  /** Environment of the n-th start (1-based) in addition to PATH; used to arm crash points. */
  env?: (start: number) => Record<string, string>;
  /** Options of node itself, such as `--import file`. */
  node?: (start: number) => string[];
  /** Called after every exit except by `stop()`, before the next start. */
  onExit?: (ended: ProcessExit) => void;
};

/** Pause before restarting a process that failed to start, for instance because its database is down. */
const pauseAfterFailureMs = 250;

/** A supervised process: it is restarted whenever it exits, until `stop()`. */
export class Program {
  readonly name: string;
  readonly role: Role;
  /** Starts so far. */
  starts = 0;
  /** Exits after it was up that we did not cause. */
  readonly unexpectedExits: ProcessExit[] = [];
  #child: ChildProcess | null = null;
  #upSince: number | null = null;
  #stopped = false;
  #killed = false;
  #paused = false;
  #exited: Promise<unknown> = Promise.resolve();
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

  /** True when the process has reported that it is up and is neither paused nor killed. */
  get up(): boolean {
    return this.#upSince !== null && !this.#paused && !this.#killed;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Resolves once the process has reported that it is up. */
  async whenUp(): Promise<void> {
    if (this.#upSince === null || this.#killed)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Sends SIGKILL. Returns false when it was not running. */
  kill(): boolean {
    if (!this.#child) return false;
    this.#killed = true;
    this.#paused = false;
    return this.#child.kill('SIGKILL');
  }

  /** Sends SIGSTOP: the process keeps its locks and connections and does nothing. */
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
    await this.#exited;
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
    this.#exited = once(child, 'exit').then(([code, signal]) => this.#ended(code, signal));
  }

  #ended(code: number | null, signal: NodeJS.Signals | null): void {
    const upMs = this.#upSince === null ? null : Date.now() - this.#upSince;
    const ended = { code, signal, killed: this.#killed, upMs };
    this.#child = null;
    this.#upSince = null;
    this.#paused = false;
    if (this.#stopped) return;
    if (!ended.killed && signal !== 'SIGKILL' && upMs !== null) this.unexpectedExits.push(ended);
    this.#setup.onExit?.(ended);
    if (ended.killed || upMs !== null) this.#start();
    else setTimeout(() => !this.#stopped && this.#start(), pauseAfterFailureMs);
  }
}
