/** Of a buyer or a supplier: an inactive one takes part in nothing and keeps its history. */
export const partyStatuses = ['ACTIVE', 'INACTIVE'] as const;
export type PartyStatus = (typeof partyStatuses)[number];

/** Weight of a buyer in WEIGHTED_ROUND_ROBIN. */
export const priorities = { least: 1, usual: 5, most: 10 };
