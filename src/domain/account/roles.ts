/** What a member is within an organization; operators of the platform are members of none. */
export const memberRoles = ['seller', 'buyer', 'supplier'] as const;
export type MemberRole = (typeof memberRoles)[number];
