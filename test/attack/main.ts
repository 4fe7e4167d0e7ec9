import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { FromAttacker } from './attacker.ts';
import { kinds } from './kinds/index.ts';
import { type Backend, type Ground, type System, startGround } from './system.ts';
import { atMost, figure, type Goal, holds, inTime, type Kind } from './target.ts';
import { startVictim } from './victim.ts';

const usage = `npm run attack -- [kind …] [options]
  --backend redis|postgres   the queue (postgres)
  --short                    floods of 4 seconds instead of 20; times are judged at ten times their goals
  --seconds N                how long a flood lasts
  --json FILE                write the figures
  --list                     list the kinds
Exits with 1 when an attack works, with 3 when the machine is too busy to tell.
`;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    backend: { type: 'string', default: 'postgres' },
    short: { type: 'boolean', default: false },
    seconds: { type: 'string' },
    json: { type: 'string' },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const say = (line = '') => process.stdout.write(`${line}\n`);
const seconds = Number(values.seconds ?? (values.short ? 4 : 20));

/** A short flood on a machine that does other work tells an outage from none, not 300 ms from 400. */
const slack = values.short ? 10 : 1;
const warmUpMs = 1_500;

type Result = { kind: string; goals: Goal[] };
const works = ({ goals }: Result) => goals.some(({ ok }) => !ok);

async function run(): Promise<number> {
  const unknown = positionals.filter((name) => !kinds.some((kind) => kind.name === name));
  const valid = ['redis', 'postgres'].includes(values.backend) && seconds > 0 && unknown.length === 0;
  if (values.help || !valid) {
    process.stderr.write(`${unknown.length > 0 ? `no such kind: ${unknown.join(', ')}\n` : ''}${usage}`);
    return 2;
  }
  if (values.list) {
    for (const { name, about } of kinds) say(`${name.padEnd(20)}${about}`);
    return 0;
  }
  const chosen = kinds.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const ground = await startGround(values.backend as Backend);
  const interrupted = () => void ground.stop().finally(() => process.exit(130));
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    return await attackAll(ground, chosen);
  } finally {
    await ground.stop();
  }
}

async function attackAll(ground: Ground, chosen: readonly Kind[]): Promise<number> {
  const results: Result[] = [];
  const floods = chosen.filter(({ flood }) => flood);
  const idle = floods.length > 0 ? await report('without an attack', () => besideVictim(ground, null)) : null;
  const others = chosen.filter(({ flood }) => !flood);
  if (others.length > 0) {
    const system = await ground.startSystem(seconds);
    try {
      for (const kind of others)
        results.push(await report(kind.name, () => attack(ground, system, kind), kind.about));
    } finally {
      await system.stop();
    }
  }
  for (const kind of floods)
    results.push(await report(kind.name, () => besideVictim(ground, kind), kind.about));
  const working = results.filter(works);
  say();
  say(`${results.length} attacks on ${ground.backend}, ${results.length - working.length} do not work`);
  if (working.length > 0) say(`work: ${working.map(({ kind }) => kind).join(', ')}`);
  if (values.json) await writeFile(values.json, `${JSON.stringify({ idle, results }, null, 2)}\n`);
  if (idle && works(idle)) {
    say('The goals were missed without an attack too: this machine is too busy to judge the floods.');
    return 3;
  }
  return working.length > 0 ? 1 : 0;
}

async function report(name: string, act: () => Promise<Goal[]>, about = ''): Promise<Result> {
  const began = performance.now();
  const goals = await act().catch((error: Error) => [holds('the attack ran', false, error.message)]);
  const result = { kind: name, goals };
  const took = ((performance.now() - began) / 1_000).toFixed(0);
  say();
  const verdict = about === '' ? '' : works(result) ? 'WORKS ' : 'does not work ';
  say(`${name}: ${verdict}(${took} s)${about === '' ? '' : `. ${about}`}`);
  for (const { what, value, goal, ok } of goals)
    say(`  ${ok ? '  ' : '✗ '}${what.padEnd(56)}${value}${goal === '' ? '' : `   (${goal})`}`);
  return result;
}

/** A fresh system, warmed up by the victim, that is then measured beside the attack. */
async function besideVictim(ground: Ground, kind: Kind | null): Promise<Goal[]> {
  const system = await ground.startSystem(seconds);
  try {
    const warmUp = startVictim(system);
    await pause(warmUpMs);
    await warmUp.discard();
    system.samples();
    const victim = startVictim(system);
    const own = kind ? await attack(ground, system, kind) : await pause(seconds * 1_000, []);
    const goals = await victim.stop(slack);
    const { api, worker } = system.samples();
    return [
      ...own,
      ...goals,
      atMost('api: memory (RSS)', api.rssMb, 600, ' MB'),
      inTime('api: longest turn of the event loop, CPU', api.stallCpuMs, 200, ' ms', slack),
      figure(
        'api: longest turn on the clock; worker: CPU, RSS',
        `${api.stallMs.toFixed(0)} ms; ${worker.stallCpuMs.toFixed(0)} ms, ${worker.rssMb.toFixed(0)} MB`,
      ),
      ...system.ended().map((role) => holds(`${role}: still runs`, false)),
    ];
  } finally {
    await system.stop();
  }
}

async function attack(ground: Ground, system: System, { name }: Kind): Promise<Goal[]> {
  const program = join(ground.folder, 'test', 'attack', 'attacker.js');
  const child = spawn(process.execPath, [program, name, JSON.stringify(system.target)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  let goals: Goal[] | null = null;
  child.on('message', (message: FromAttacker) => {
    goals = message.goals;
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (!goals) throw new Error(`the attacker ended with ${code}`);
  return goals;
}

process.exitCode = await run();
