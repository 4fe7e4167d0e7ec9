import { connect, createServer, type Socket } from 'node:net';

export type Trouble =
  /** Every open connection is reset; new ones pass. */
  | { kind: 'reset' }
  /** For so long nothing comes through in either direction, and nobody is told. Then the connections are reset. */
  | { kind: 'blackhole'; ms: number }
  /** For so long everything takes `by` milliseconds more, each way. */
  | { kind: 'delay'; ms: number; by: number }
  /** The next `count` requests never arrive: their connections break. */
  | { kind: 'cut_before'; count: number }
  /** The next `count` requests arrive, and are carried out; their connections break instead of the answer. */
  | { kind: 'cut_after'; count: number };

export type Wire = {
  /** Where clients connect. */
  readonly port: number;
  /** What was done to connections so far: resets, connections held in a black hole, chunks delayed, cuts. */
  readonly struck: Record<Trouble['kind'], number>;
  strike(trouble: Trouble): void;
  /** Back to a plain wire; what was held is reset. */
  heal(): void;
  stop(): Promise<void>;
};

type Pair = {
  client: Socket;
  upstream: Socket;
  deaf: boolean;
  held: boolean;
  /** Chunks on their slow way, each way. */
  late: { up: Buffer[]; down: Buffer[] };
};

/** The wire between a client and a server on this machine, which can be troubled. */
export async function startProxy(targetPort: () => number): Promise<Wire> {
  const pairs = new Set<Pair>();
  const left = { cut_before: 0, cut_after: 0 };
  const struck = { reset: 0, blackhole: 0, delay: 0, cut_before: 0, cut_after: 0 };
  let dark = false;
  let delayMs = 0;
  const timers = new Set<NodeJS.Timeout>();
  const after = (ms: number, act: () => void) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      act();
    }, ms);
    timers.add(timer);
  };

  const end = (pair: Pair) => {
    pairs.delete(pair);
    reset(pair.client);
    reset(pair.upstream);
  };
  const hold = (pair: Pair) => {
    if (!pair.held) struck.blackhole += 1;
    pair.held = true;
  };
  /** In order, whatever the delay was when each came. */
  const pass = (chunk: Buffer, to: Socket, late: Buffer[]) => {
    if (delayMs === 0 && late.length === 0) {
      to.write(chunk);
      return;
    }
    struck.delay += 1;
    late.push(chunk);
    after(delayMs, () => {
      const next = late.shift();
      if (next && !to.destroyed) to.write(next);
    });
  };

  const server = createServer((client) => {
    const upstream = connect(targetPort(), '127.0.0.1');
    const late = { up: [], down: [] };
    const pair: Pair = { client, upstream, deaf: false, held: false, late };
    pairs.add(pair);
    client.setNoDelay(true);
    upstream.setNoDelay(true);
    for (const socket of [client, upstream]) {
      socket.on('error', () => end(pair));
      socket.on('close', () => finish(pair));
    }
    client.on('data', (chunk) => {
      if (dark || pair.held) return hold(pair);
      if (left.cut_before > 0) {
        left.cut_before -= 1;
        struck.cut_before += 1;
        return end(pair);
      }
      if (left.cut_after > 0 && !pair.deaf) {
        left.cut_after -= 1;
        struck.cut_after += 1;
        pair.deaf = true;
      }
      pass(chunk, upstream, pair.late.up);
    });
    upstream.on('data', (chunk) => {
      if (dark || pair.held) return hold(pair);
      if (pair.deaf) return end(pair);
      pass(chunk, client, pair.late.down);
    });
  });
  const finish = (pair: Pair) => {
    if (!pairs.delete(pair)) return;
    for (const chunk of pair.late.up.splice(0)) if (!pair.upstream.destroyed) pair.upstream.write(chunk);
    for (const chunk of pair.late.down.splice(0)) if (!pair.client.destroyed) pair.client.write(chunk);
    pair.client.end();
    pair.upstream.end();
  };
  const endHeld = () => {
    dark = false;
    for (const pair of pairs) if (pair.held) end(pair);
  };

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: address && typeof address === 'object' ? address.port : 0,
    struck,
    strike(trouble) {
      switch (trouble.kind) {
        case 'reset':
          struck.reset += pairs.size;
          for (const pair of pairs) end(pair);
          return;
        case 'blackhole':
          dark = true;
          after(trouble.ms, endHeld);
          return;
        case 'delay':
          delayMs = trouble.by;
          after(trouble.ms, () => {
            delayMs = 0;
          });
          return;
        default:
          left[trouble.kind] += trouble.count;
      }
    },
    heal() {
      left.cut_before = 0;
      left.cut_after = 0;
      delayMs = 0;
      endHeld();
    },
    async stop() {
      for (const timer of timers) clearTimeout(timer);
      for (const pair of pairs) end(pair);
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A socket whose end was announced cannot be reset any more: tried, its handle would stay open and spin. */
function reset(socket: Socket): void {
  if (socket.destroyed) return;
  if (socket.writableEnded || socket.connecting) socket.destroy();
  else socket.resetAndDestroy();
}
