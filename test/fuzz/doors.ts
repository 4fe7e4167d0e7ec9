import type { Caller } from './people.ts';
import type { FuzzRequest } from './requests.ts';
import { alwaysForbidden, marketRooms, type Room, roomOf } from './rooms.ts';
import type { Answered } from './sender.ts';
import type { Surface } from './surface.ts';

/** How many requests were sent and how many were let in, by caller, by room and by route. */
export type Doors = {
  count(request: FuzzRequest, answered: Pick<Answered, 'status' | 'location'>): void;
  /** What is judged when a run ends: a line, and whether it is as it must be. */
  judge(callers: readonly Caller[]): [string, boolean][];
  lines(): string[];
};

/** Fewer requests than these for each route say nothing about a route that none has passed. */
const enoughPerRoute = 50;

const isSignIn = (location: string) => /^\/login(?:[/?]|$)/.test(location);

/** Done: neither refused, nor sent to sign in. */
const isAccepted = ({ status, location }: Pick<Answered, 'status' | 'location'>) =>
  status >= 200 && status < 400 && !isSignIn(location);

/** The caller was let in, whatever then became of what it sent. */
const isPastDoor = (answered: Pick<Answered, 'status' | 'location'>) =>
  isAccepted(answered) ||
  (answered.status >= 400 && answered.status < 500 && ![401, 403, 429].includes(answered.status));

export function createDoors({ routes }: Surface): Doors {
  const accepted = new Map<string, number>();
  const sent = new Map<Room, number>();
  const passed = new Map<Room, number>();
  const open = new Set<string>();
  let all = 0;
  const add = <K>(to: Map<K, number>, key: K) => to.set(key, (to.get(key) ?? 0) + 1);
  return {
    count({ caller, room, route, isPlain }, answered) {
      all += 1;
      if (isAccepted(answered)) add(accepted, caller);
      if (!isPlain) return;
      add(sent, room);
      if (!isPastDoor(answered)) return;
      add(passed, room);
      open.add(route);
    },
    lines: () =>
      marketRooms.map((room) => {
        const [of, past] = [sent.get(room) ?? 0, passed.get(room) ?? 0];
        return `${room}: ${past} of ${of} past the door (${((100 * past) / Math.max(1, of)).toFixed(0)} %)`;
      }),
    judge(callers) {
      const without = callers.filter(({ home, name }) => home !== null && !accepted.has(name));
      const isShut = (route: Surface['routes'][number]) => {
        const name = `${route.method} ${route.url}`;
        const isMarket = (marketRooms as readonly Room[]).includes(roomOf(route));
        return isMarket && !alwaysForbidden.includes(name) && !open.has(name);
      };
      const shut = routes.filter(isShut).map(({ method, url }) => `${method} ${url}`);
      const isJudged = all >= enoughPerRoute * routes.length;
      return [
        [
          `callers without an accepted request: ${without.map(({ name }) => name).join(', ') || 'none'}`,
          without.length === 0,
        ],
        [
          `routes of the marketplace past whose door none came: ${shut.join(', ') || 'none'}`,
          shut.length === 0 || !isJudged,
        ],
      ];
    },
  };
}

/** The callers that cannot read what they could read at first: the run has shut them out. */
export async function shutOut(
  callers: readonly Caller[],
  send: (request: {
    index: number;
    method: string;
    path: string;
    headers: Record<string, string>;
    body: null;
  }) => Promise<Answered>,
): Promise<string[]> {
  const names: string[] = [];
  for (const [index, { name, home, headers }] of callers.entries()) {
    if (home === null) continue;
    const { status } = await send({ index, method: 'GET', path: home, headers, body: null });
    if (status !== 200) names.push(`${name} (${status})`);
  }
  return names;
}
