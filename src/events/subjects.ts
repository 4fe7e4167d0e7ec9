/**
 * What an event, an attempt or an alert is about, as one word and an id. Timelines are drawn by it, and a worker's run
 * begins with the row it names.
 */
type SubjectKind = 'unlock' | 'lead' | 'phone' | 'message' | 'import' | 'company' | 'organization';

export const subjects = {
  unlock: (id: string) => `unlock:${id}`,
  lead: (id: string) => `lead:${id}`,
  /** A conversation: our number and theirs. */
  phone: (id: string) => `phone:${id}`,
  message: (id: string) => `message:${id}`,
  import: (id: string) => `import:${id}`,
  /** By the id of its organization. */
  company: (organizationId: string) => `company:${organizationId}`,
  organization: (id: string) => `organization:${id}`,
} satisfies Record<SubjectKind, (id: string) => string>;

/** The id in a subject of this kind. Returns null when it is of another kind, or does not hold a UUID. */
export function idInSubject(kind: SubjectKind, text: string): string | null {
  const [word, id = ''] = text.split(':');
  return word === kind && /^[0-9a-f-]{36}$/.test(id) ? id : null;
}
