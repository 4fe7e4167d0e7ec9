/** How long a new seller uses the marketplace without a plan. */
/** The mailbox of an address: mail to `sue+anything@…` arrives where that to `sue@…` does. */
export const mailboxOf = (email: string): string => email.replace(/\+[^@]*@/, '@');

export const trialDays = 14;

export const inviteCodeSigns = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
export const inviteCodeLength = 8;

/** `random(n)`: a whole number below n that cannot be predicted. */
export const newInviteCode = (random: (below: number) => number): string =>
  Array.from({ length: inviteCodeLength }, () => inviteCodeSigns[random(inviteCodeSigns.length)]).join('');

/** As people type it: blanks around it and lower case do not matter. Returns null for what is no code. */
export function inviteCodeOf(given: string): string | null {
  const code = given.trim().toUpperCase();
  return /^[A-Z0-9]{8}$/.test(code) ? code : null;
}

/** Letters, digits and hyphens, at most 50; empty for a name in another script. */
export const slugOf = (name: string): string =>
  name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 50)
    .replace(/-+$/, '');
