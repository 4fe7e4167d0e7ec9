import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';

/**
 * `node --import tsx scripts/audit.ts`: fails on high and critical advisories of production dependencies that have a fix
 * and are not in scripts/audit-allowed.json. A registry that does not answer is reported and fails nothing: whether
 * it does is no property of this repository.
 */

const advisory = z.object({
  name: z.string(),
  title: z.string(),
  url: z.string(),
  severity: z.enum(['info', 'low', 'moderate', 'high', 'critical']),
});
const report = z.object({
  vulnerabilities: z.record(
    z.string(),
    z.object({
      via: z.array(z.union([advisory, z.string()])),
      fixAvailable: z.union([z.boolean(), z.object({ name: z.string(), version: z.string() })]),
    }),
  ),
});
const unanswered = z.object({ message: z.string() });

/** `until`: the day from which the advisory fails again, as YYYY-MM-DD. */
const allowance = z.strictObject({
  advisory: z.string().regex(/^GHSA(-[0-9a-z]{4}){3}$/),
  reason: z.string().min(20),
  until: z.iso.date(),
});
export const allowances = z.array(allowance);
export type Allowance = z.infer<typeof allowance>;

/** `checked`: false when the registry did not answer. */
export type Verdict = { checked: boolean; problems: string[]; notes: string[] };

/** Judges the output of `npm audit --omit=dev --json`. `today`: YYYY-MM-DD. */
export function judgeAudit(output: string, allowed: readonly Allowance[], today: string): Verdict {
  const answer = parsed(output);
  const found = report.safeParse(answer);
  if (!found.success) {
    // Nothing was checked, which must not read as if nothing was found.
    const why = unanswered.safeParse(answer).data?.message ?? 'no readable answer';
    return {
      checked: false,
      problems: [],
      notes: [`The registry did not answer: nothing was checked (${why}).`],
    };
  }
  const verdict: Verdict = { checked: true, problems: [], notes: [] };
  const seen = new Set<string>();
  for (const { via, fixAvailable } of Object.values(found.data.vulnerabilities)) {
    for (const each of via) {
      // A string names another entry, which carries the advisory itself.
      if (typeof each === 'string' || !['high', 'critical'].includes(each.severity)) continue;
      const id = each.url.split('/').at(-1) ?? each.url;
      if (seen.has(id)) continue;
      seen.add(id);
      const line = `${each.severity}: ${each.name}: ${each.title} (${each.url})`;
      const known = allowed.find((entry) => entry.advisory === id);
      if (fixAvailable === false) verdict.notes.push(`${line}. There is no fix yet.`);
      else if (!known) verdict.problems.push(`${line}. Fix: ${fixOf(fixAvailable)}.`);
      else if (known.until <= today)
        verdict.problems.push(`${line}. It was allowed until ${known.until}: ${known.reason}`);
      else verdict.notes.push(`${line}. Allowed until ${known.until}: ${known.reason}`);
    }
  }
  for (const { advisory: id } of allowed)
    if (!seen.has(id))
      verdict.notes.push(`${id} is allowed but no longer reported: remove it from the list.`);
  return verdict;
}

const fixOf = (fix: boolean | { name: string; version: string }) =>
  typeof fix === 'object' ? `${fix.name} ${fix.version}` : 'npm audit fix';

function parsed(output: string): unknown {
  try {
    return JSON.parse(output);
  } catch {
    return null;
  }
}

function main(): void {
  const root = new URL('../', import.meta.url);
  const allowed = allowances.parse(
    JSON.parse(readFileSync(new URL('scripts/audit-allowed.json', root), 'utf8')),
  );
  const run = spawnSync('npm', ['audit', '--omit=dev', '--json', '--fetch-retries=1'], {
    cwd: root,
    encoding: 'utf8',
    timeout: 60_000,
  });
  const { checked, problems, notes } = judgeAudit(
    run.stdout ?? '',
    allowed,
    new Date().toISOString().slice(0, 10),
  );
  for (const line of notes) process.stdout.write(`${line}\n`);
  for (const line of problems) process.stderr.write(`${line}\n`);
  if (checked && problems.length === 0)
    process.stdout.write('No advisory of production dependencies needs action.\n');
  process.exitCode = problems.length === 0 ? 0 : 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
