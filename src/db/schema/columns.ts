import { sql } from 'drizzle-orm';
import { customType, timestamp } from 'drizzle-orm/pg-core';

/** Text sealed by the vault (db/vault.ts): `v1.<key id>.<base64url>`. Only the vault encrypts and decrypts it. */
export const sealed = customType<{ data: string; driverData: string }>({ dataType: () => 'text' });

export const moment = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });

/** A list of our own constants as SQL literals, for `in (…)`: a check or an index takes no parameters. */
export const quoted = (values: readonly string[]) => sql.raw(values.map((value) => `'${value}'`).join(', '));
