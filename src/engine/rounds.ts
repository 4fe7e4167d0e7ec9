import type { EngineRuntime } from './runtime.ts';

/** Something that every process with workers does again and again, and that several may do at once. */
export type Round<R> = {
  name: string;
  everyMs: (runtime: R) => number;
  run: (runtime: R) => Promise<void>;
};

/** Soon after the start, so that processes that are restarted often make their rounds too. */
const firstAfterMs = 60_000;

/** Runs each round by itself: the next one begins after the pause that follows its end. `stop` waits for the current ones. */
export function startRounds<R extends EngineRuntime>(
  runtime: R,
  rounds: readonly Round<R>[],
): { stop(): Promise<void> } {
  const going = rounds.map((round) => startRound(runtime, round));
  return { stop: async () => void (await Promise.all(going.map(({ stop }) => stop()))) };
}

function startRound<R extends EngineRuntime>(runtime: R, { name, everyMs, run }: Round<R>) {
  const every = everyMs(runtime);
  let stopped = false;
  let current: Promise<void> = Promise.resolve();
  const go = async () => {
    await run(runtime).catch((error: Error) =>
      runtime.log.warn({ round: name, error: error.message }, 'round failed, will be repeated'),
    );
    if (!stopped) timer = setTimeout(begin, every);
  };
  const begin = () => {
    current = go();
  };
  let timer = setTimeout(begin, Math.min(every, firstAfterMs));
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await current;
    },
  };
}
