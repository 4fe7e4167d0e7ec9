/** A signed-in user. Operators see every organization, members those they belong to. */
export type Person = { id: string; name: string; email: string; role: 'operator' | 'member' };
