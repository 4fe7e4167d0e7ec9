import type { Command } from 'commander';
import { quotaLimitsOf, setQuotaLimit } from '../db/account/quotas.ts';
import {
  isQuotaName,
  limitsOf,
  type Quota,
  type QuotaLimits,
  type QuotaName,
  quotaNames,
  quotas,
  readQuotaLimits,
  spanOf,
} from '../domain/account/quotas.ts';
import { CommandError, say, withSession } from './session.ts';

/** Shows or changes what one organization may use. */
export function addQuotaCommand(organization: Command): void {
  organization
    .command('quota <slug> [name] [limit]')
    .description('show the quotas of an organization, or set one: a whole number, or default')
    .action((slug: string, name: string | undefined, limit: string | undefined) =>
      withSession(async ({ db, config }) => {
        const own = await quotaLimitsOf(db, slug);
        if (!own) throw new CommandError(`There is no organization ${slug}. Nothing was changed.`);
        const defaults = readQuotaLimits(config.quotas);
        if (name === undefined) {
          for (const each of quotaNames) say(lineOf(each, own, defaults));
          return;
        }
        if (!isQuotaName(name))
          throw new CommandError(`There is no quota ${name}. There are: ${quotaNames.join(', ')}.`);
        if (limit === undefined) return say(lineOf(name, own, defaults));
        const number = numberOf(limit);
        await setQuotaLimit(db, slug, name, number);
        const changed = { ...own, [name]: number ?? undefined };
        say(`${lineOf(name, changed, defaults)}. In force within 30 seconds.`);
      }),
    );
}

/** Returns null for "default". */
function numberOf(limit: string): number | null {
  if (limit === 'default') return null;
  if (!/^\d{1,12}$/.test(limit))
    throw new CommandError('A limit is a whole number, or the word default. Nothing was changed.');
  return Number(limit);
}

function lineOf(name: QuotaName, own: QuotaLimits, defaults: QuotaLimits): string {
  const { kind, what, seconds }: Quota = quotas[name];
  const { perOrganization, perKey } = limitsOf(name, [own, defaults]);
  const extent = { rate: ` in ${spanOf(seconds)}`, held: ' at once', stored: ' stored' }[kind];
  const key = perKey === null || perKey === perOrganization ? '' : `, ${perKey} for one key`;
  const source = own[name] === undefined ? 'default' : 'its own';
  return `${name}: ${perOrganization ?? 'no limit'} ${what}${extent}${key} (${source})`;
}
