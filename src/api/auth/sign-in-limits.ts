import { BlockList, isIPv6 } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { Counter } from '../../domain/account/counters.ts';
import { RefusedError } from '../../domain/errors.ts';
import type { Counters } from '../../usecases/account/counters.ts';
import { networkOf } from '../http/limits.ts';

/** Failed attempts in 15 minutes, counted across all processes. */
const seconds = 900;

export type SignInLimits = {
  /** Counts an attempt; throws RefusedError 429 when there were too many. */
  begin(attempt: Attempt): Promise<void>;
  /** The attempt succeeded: resets its count for the account and gives the other points back. */
  succeeded(attempt: Attempt): Promise<void>;
};

/**
 * `address`: of the peer. `internal`: the peer is in a private network, so it is a proxy, and the address is everybody's.
 * `browser`: the one that has signed in to this account before, when it proves it.
 */
export type Attempt = { email: string; address: string; internal: boolean; browser: string | null };

/** Who asks, for `attempt`. */
export const peerOf = ({ socket }: FastifyRequest): Pick<Attempt, 'address' | 'internal'> => ({
  address: networkOf(socket.remoteAddress),
  internal: isInternal(socket.remoteAddress),
});

const nameOf = ({ email }: Attempt) => email.trim().toLowerCase();

/** Of one account from one address or known browser: a stranger elsewhere does not lock the account's owner out. */
const here = (attempt: Attempt): Counter => ({
  name: 'sign_in_account',
  who: `${nameOf(attempt)} ${attempt.browser ?? attempt.address}`,
  limit: 10,
  seconds,
});
/** Of one account from everywhere: many addresses together must not guess without end. */
const everywhere = (attempt: Attempt): Counter => ({
  name: 'sign_in_everywhere',
  who: nameOf(attempt),
  limit: 100,
  seconds,
});
/** Through a proxy all people have one address, and thirty failures of a stranger would lock out all of them. */
const ofAddress = ({ address, internal }: Attempt): Counter => ({
  name: 'sign_in_address',
  who: address,
  limit: internal ? 1_000 : 30,
  seconds,
});
/** A known browser is neither a stranger nor one of many. */
const countersOf = (attempt: Attempt): Counter[] =>
  attempt.browser === null ? [ofAddress(attempt), here(attempt), everywhere(attempt)] : [here(attempt)];

export function createSignInLimits({ counters }: { counters: Counters }): SignInLimits {
  const take = async (counter: Counter) => {
    const { ok, resetMs } = await counters.take(counter);
    if (ok) return;
    counters.noteRefusal(counter.name);
    throw new RefusedError(429, 'too_many_attempts', 'Too many attempts. Try again later.', {
      retryAfterSeconds: Math.max(1, Math.ceil(resetMs / 1000)),
    });
  };
  return {
    async begin(attempt) {
      for (const counter of countersOf(attempt)) await take(counter);
    },
    async succeeded(attempt) {
      const own = here(attempt);
      for (const counter of countersOf(attempt)) if (counter.name !== own.name) counters.giveBack(counter);
      await counters.reset(own);
    },
  };
}

const internal = new BlockList();
for (const [network, prefix] of [
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
  ['100.64.0.0', 10],
] as const)
  internal.addSubnet(network, prefix, 'ipv4');
internal.addAddress('::1', 'ipv6');
internal.addSubnet('fc00::', 7, 'ipv6');
internal.addSubnet('fe80::', 10, 'ipv6');

/** Whether an address is of this machine or a private network. An IPv4 address may be written as an IPv6 one. */
export function isInternal(address = ''): boolean {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  return internal.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4');
}
