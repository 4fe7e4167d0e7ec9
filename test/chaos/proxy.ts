import { connect, createServer, type Socket } from 'node:net';

export type NetworkFault =
  /** Resets every open connection; new ones pass. */
  | { kind: 'reset' }
  /** Forwards nothing in either direction for `ms` without closing connections, then resets them. */
  | { kind: 'blackhole'; ms: number }
  /** Delays everything by `by` milliseconds in each direction, for `ms`. */
  | { kind: 'delay'; ms: number; by: number }
  /** Cuts the connections of the next `count` requests before the server receives them. */
  | { kind: 'cut_before'; count: number }
  /** Forwards the next `count` requests and cuts their connections instead of forwarding the response. */
  | { kind: 'cut_after'; count: number };

export type FaultProxy = {
  /** The port clients connect to. */
  readonly port: number;
  /** Counts so far: connections reset, connections blackholed, chunks delayed, connections cut. */
  readonly injected: Record<NetworkFault['kind'], number>;
  inject(fault: NetworkFault): void;
  /** Ends all faults; blackholed connections are reset. */
  clear(): void;
  stop(): Promise<void>;
};

type Pair = {
  client: Socket;
  upstream: Socket;
  dropResponse: boolean;
  blackholed: boolean;
  /** Delayed chunks, by direction. */
  delayed: { up: Buffer[]; down: Buffer[] };
};

/** Starts a proxy before a server on this machine, into which network faults can be injected. */
export async function startProxy(targetPort: () => number): Promise<FaultProxy> {
  const pairs = new Set<Pair>();
  const left = { cut_before: 0, cut_after: 0 };
  const injected = { reset: 0, blackhole: 0, delay: 0, cut_before: 0, cut_after: 0 };
  let blackholed = false;
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
  const blackhole = (pair: Pair) => {
    if (!pair.blackholed) injected.blackhole += 1;
    pair.blackholed = true;
  };
  /** Keeps the order of chunks even when the delay changes. */
  const pass = (chunk: Buffer, to: Socket, delayed: Buffer[]) => {
    if (delayMs === 0 && delayed.length === 0) {
      to.write(chunk);
      return;
    }
    injected.delay += 1;
    delayed.push(chunk);
    after(delayMs, () => {
      const next = delayed.shift();
      if (next && !to.destroyed) to.write(next);
    });
  };

  const server = createServer((client) => {
    const upstream = connect(targetPort(), '127.0.0.1');
    const delayed = { up: [], down: [] };
    const pair: Pair = { client, upstream, dropResponse: false, blackholed: false, delayed };
    pairs.add(pair);
    client.setNoDelay(true);
    upstream.setNoDelay(true);
    for (const socket of [client, upstream]) {
      socket.on('error', () => end(pair));
      socket.on('close', () => finish(pair));
    }
    client.on('data', (chunk) => {
      if (blackholed || pair.blackholed) return blackhole(pair);
      if (left.cut_before > 0) {
        left.cut_before -= 1;
        injected.cut_before += 1;
        return end(pair);
      }
      if (left.cut_after > 0 && !pair.dropResponse) {
        left.cut_after -= 1;
        injected.cut_after += 1;
        pair.dropResponse = true;
      }
      pass(chunk, upstream, pair.delayed.up);
    });
    upstream.on('data', (chunk) => {
      if (blackholed || pair.blackholed) return blackhole(pair);
      if (pair.dropResponse) return end(pair);
      pass(chunk, client, pair.delayed.down);
    });
  });
  const finish = (pair: Pair) => {
    if (!pairs.delete(pair)) return;
    for (const chunk of pair.delayed.up.splice(0)) if (!pair.upstream.destroyed) pair.upstream.write(chunk);
    for (const chunk of pair.delayed.down.splice(0)) if (!pair.client.destroyed) pair.client.write(chunk);
    pair.client.end();
    pair.upstream.end();
  };
  const endBlackholed = () => {
    blackholed = false;
    for (const pair of pairs) if (pair.blackholed) end(pair);
  };

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: address && typeof address === 'object' ? address.port : 0,
    injected,
    inject(fault) {
      switch (fault.kind) {
        case 'reset':
          injected.reset += pairs.size;
          for (const pair of pairs) end(pair);
          return;
        case 'blackhole':
          blackholed = true;
          after(fault.ms, endBlackholed);
          return;
        case 'delay':
          delayMs = fault.by;
          after(fault.ms, () => {
            delayMs = 0;
          });
          return;
        default:
          left[fault.kind] += fault.count;
      }
    },
    clear() {
      left.cut_before = 0;
      left.cut_after = 0;
      delayMs = 0;
      endBlackholed();
    },
    async stop() {
      for (const timer of timers) clearTimeout(timer);
      for (const pair of pairs) end(pair);
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A socket after end() cannot be reset: resetAndDestroy would leave its handle open and spinning. */
function reset(socket: Socket): void {
  if (socket.destroyed) return;
  if (socket.writableEnded || socket.connecting) socket.destroy();
  else socket.resetAndDestroy();
}
