import { randomInt } from 'node:crypto';
import { violatedUnique } from '../../db/constraints.ts';
import { inviteCodeConstraint, replaceInviteCode } from '../../db/marketplace/sellers.ts';
import type { Runtime } from '../runtime.ts';

const signs = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
const draw = () => Array.from({ length: 8 }, () => signs[randomInt(signs.length)]).join('');

/** Gives a seller a new invite code. */
export async function rotateInviteCode(
  { db }: Pick<Runtime, 'db'>,
  organizationId: string,
  actor: string,
): Promise<void> {
  for (;;) {
    try {
      return await replaceInviteCode(db, organizationId, draw(), actor);
    } catch (error) {
      // One of 2.8 billion codes, and another seller has it.
      if (violatedUnique(error) !== inviteCodeConstraint) throw error;
    }
  }
}

/** The page on which a buyer registers with a code. */
export const inviteUrl = (publicUrl: string, code: string): string => {
  const url = new URL('/register/buyer', publicUrl);
  url.searchParams.set('code', code);
  return url.href;
};
