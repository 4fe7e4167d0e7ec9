import { kinds } from './kinds/index.ts';
import type { Goal, Target } from './target.ts';

/** Runs one attack in a process of its own: `attacker.js <kind> '{…target}'`. Sends its goals to the parent process. */
export type FromAttacker = { goals: Goal[] };

const [name, given] = process.argv.slice(2);
const kind = kinds.find((each) => each.name === name);
if (!kind) throw new Error(`no such kind of attack: ${name}`);
process.once('disconnect', () => process.exit(0));
const goals = await kind.attack(JSON.parse(given!) as Target);
process.send!({ goals } satisfies FromAttacker, () => process.exit(0));
