/** What a link mailed to a user is for. */
export const linkPurposes = ['verify_email', 'reset_password'] as const;
export type LinkPurpose = (typeof linkPurposes)[number];
