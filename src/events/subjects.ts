/**
 * The subject of an event, an attempt or an alert, as `<kind>:<id>`. Timelines group by it, and a worker's run reads the
 * row it identifies.
 */
type SubjectKind =
  | 'unlock'
  | 'lead'
  | 'campaign'
  | 'phone'
  | 'top_up'
  | 'wallet'
  | 'message'
  | 'inbox'
  | 'import'
  | 'alert'
  | 'company'
  | 'organization'
  | 'user'
  | 'invitation'
  | 'installation';

export const subjects = {
  unlock: (id: string) => `unlock:${id}`,
  lead: (id: string) => `lead:${id}`,
  campaign: (id: string) => `campaign:${id}`,
  /** A conversation: our number and the buyer's. */
  phone: (id: string) => `phone:${id}`,
  top_up: (id: string) => `top_up:${id}`,
  /** By the id of its buyer. */
  wallet: (buyerId: string) => `wallet:${buyerId}`,
  message: (id: string) => `message:${id}`,
  /** A received text or webhook. */
  inbox: (id: string) => `inbox:${id}`,
  import: (id: string) => `import:${id}`,
  /** By the key of the alert. */
  alert: (key: string) => `alert:${key}`,
  /** By the id of its organization. */
  company: (organizationId: string) => `company:${organizationId}`,
  organization: (id: string) => `organization:${id}`,
  user: (id: string) => `user:${id}`,
  invitation: (id: string) => `invitation:${id}`,
  /** By the name of the check that found the trouble. */
  installation: (check: string) => `installation:${check}`,
} satisfies Record<SubjectKind, (id: string) => string>;

/** Returns the id of a subject of this kind, or null when it is of another kind or its id is not a UUID. */
export function idInSubject(kind: SubjectKind, text: string): string | null {
  const [word, id = ''] = text.split(':');
  return word === kind && /^[0-9a-f-]{36}$/.test(id) ? id : null;
}
