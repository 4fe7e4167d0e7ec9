import { z } from 'zod';
import { missing } from '../http/contract.ts';

const id = z.uuid();

/** The id of a row that a request names. What is no id belongs to no row: 404 with this wording. */
export function rowId(given: unknown, wording: string): string {
  const parsed = id.safeParse(given);
  if (!parsed.success) throw missing(wording);
  return parsed.data;
}

/** The id in the address. */
export const idIn = (params: unknown, wording: string): string =>
  rowId((params as { id: string }).id, wording);
