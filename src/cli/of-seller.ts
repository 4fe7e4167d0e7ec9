import type { Command } from 'commander';
import { findSellerId } from '../db/marketplace/seller-slug.ts';
import { CommandError, type Session } from './session.ts';

/** What the commands have in common that work on one seller. */

export type OfSeller = { organization: string };

/** Who makes a change, in the audit log: it is shown as `command line`. */
export const actor = 'cli';
export const unchanged = 'Nothing was changed.';

/** A command that takes `--organization`. */
export const sellerCommand = (parent: Command, name: string, about: string): Command =>
  parent
    .command(name)
    .description(about)
    .requiredOption('--organization <slug>', 'the organization of the seller');

/** The id of the organization with this slug. Throws CommandError when no seller has it. */
export async function sellerIdOf({ db }: Pick<Session, 'db'>, slug: string): Promise<string> {
  const id = await findSellerId(db, slug);
  if (id === null) throw new CommandError(`There is no seller ${slug}. ${unchanged}`);
  return id;
}
