import { randomBytes } from 'node:crypto';
import { chown, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrorCode } from '../domain/errors.ts';
import type { Account } from './binaries.ts';

/**
 * The password of the server's only role, in a file that only the owner of the data folder can read: over TCP every
 * account of the machine can reach the server.
 */
const fileIn = (dataDir: string) => join(dataDir, 'postgres-password');

/** Returns null before the first start that sets one. */
export async function readPassword(dataDir: string): Promise<string | null> {
  try {
    return (await readFile(fileIn(dataDir), 'utf8')).trim() || null;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return null;
    throw error;
  }
}

/** 256 random bits, safe in a URL and in a quoted string of SQL. */
export const newPassword = (): string => randomBytes(32).toString('base64url');

/** Renamed last, so that an interrupted start leaves either no password or a whole one. */
export async function storePassword(dataDir: string, password: string): Promise<void> {
  const unfinished = `${fileIn(dataDir)}.unfinished`;
  await writeFile(unfinished, `${password}\n`, { mode: 0o600 });
  await rename(unfinished, fileIn(dataDir));
}

/** `trust` lets every account of the machine in, as clusters of earlier versions did. */
type Admission = 'scram-sha-256' | 'trust';

const admissionText = (method: Admission) =>
  `# Written by leadgate at every start.\nhost all all 127.0.0.1/32 ${method}\n`;

/** Decides who may connect, from the next start or reload of the server on. */
export async function writeAdmission(folder: string, method: Admission, account: Account): Promise<void> {
  const path = join(folder, 'pg_hba.conf');
  const unfinished = `${path}.unfinished`;
  await writeFile(unfinished, admissionText(method), { mode: 0o600 });
  if (account) await chown(unfinished, account.uid, account.gid);
  await rename(unfinished, path);
}
