import { catalog, type EventData, type EventType } from './catalog.ts';
import { newId } from './new-id.ts';

/** One event. Timelines group by `subject`, for example `unlock:<id>`, `lead:<id>` or `phone:<id>`. */
export type DomainEvent<T extends EventType = EventType> = {
  [K in T]: {
    id: string;
    type: K;
    version: number;
    occurredAt: Date;
    organizationId: string | null;
    subject: string;
    /** Shared by all events that result from one request. */
    correlationId: string;
    /** The event that caused this one. */
    causationId: string | null;
    data: EventData<K>;
  };
}[T];

export type Cause = { correlationId: string; causationId: string | null };

/** An event as a decision emits it; ids, times and causes are added at commit. */
export type EventDraft = {
  [K in EventType]: {
    type: K;
    organizationId: string | null;
    subject: string;
    data: EventData<K>;
    /** Milliseconds from the database's now until a delayed worker (see routes) is due. */
    dueInMs?: number;
    /** Unless it is that of the whole statement. */
    cause?: Cause;
  };
}[EventType];

/**
 * Completes a draft. The id is a UUIDv7 and `occurredAt` is its timestamp, so that the id determines the partition of
 * the event, and ids of one process sort by creation.
 */
export function completeEvent(draft: EventDraft, cause: Cause | null): DomainEvent {
  const id = newId();
  return {
    id,
    type: draft.type,
    version: 1,
    occurredAt: timeOfId(id),
    organizationId: draft.organizationId,
    subject: draft.subject,
    correlationId: cause?.correlationId ?? id,
    causationId: cause?.causationId ?? null,
    data: catalog[draft.type].parse(draft.data),
  } as DomainEvent;
}

/** The timestamp of a UUIDv7. */
export function timeOfId(uuid: string): Date {
  return new Date(Number.parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16));
}

/** Parses a stored event. Throws when the type or data matches no known version. */
export function parseEvent(
  row: Omit<DomainEvent, 'type' | 'data'> & { type: string; data: unknown },
): DomainEvent {
  const schema = catalog[row.type as EventType];
  if (!schema) throw new Error(`unknown event type ${row.type}`);
  return { ...row, data: schema.parse(row.data) } as DomainEvent;
}
