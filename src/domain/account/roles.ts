/**
 * What a member is within an organization; operators of the platform are members of none. `seller`: everything of the
 * organization. `company`: uploads its old leads, on the company pages only. `buyer`, `supplier`: what is that buyer's or
 * supplier's own.
 */
export const memberRoles = ['seller', 'buyer', 'supplier', 'company'] as const;
export type MemberRole = (typeof memberRoles)[number];

/** The roles that open the company pages: uploads, imports, settings, keys. */
export const companyRoles = ['seller', 'company'] as const satisfies MemberRole[];
/** The roles that speak the marketplace's API with a session. */
export const marketRoles = ['seller', 'buyer'] as const satisfies MemberRole[];
export type MarketRole = (typeof marketRoles)[number];
