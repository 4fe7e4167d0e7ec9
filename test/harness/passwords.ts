import { createAuth } from '../../src/api/auth/better-auth.ts';
import type { Runtime } from '../../src/usecases/runtime.ts';

type Installation = {
  runtime: Pick<Runtime, 'config' | 'db' | 'log'>;
  rows<R>(text: string, values?: unknown[]): Promise<R[]>;
};

/** Lets a person sign in with this password, who had none. */
export async function givePassword(
  { runtime, rows }: Installation,
  userId: string,
  password: string,
): Promise<void> {
  const hash = await (await createAuth(runtime).$context).password.hash(password);
  await rows(
    `INSERT INTO accounts (id, user_id, account_id, provider_id, password) VALUES (gen_random_uuid(), $1::uuid, $1::text, 'credential', $2)`,
    [userId, hash],
  );
}
