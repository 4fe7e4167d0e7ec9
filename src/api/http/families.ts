/*
 * An OpenAPI document describes one operation of an address. Where a session has a route of its own at an address
 * (`constraints: bySession`), both routes are described as that one operation, each answer and parameter as either of two.
 */

type Schema = Record<string, unknown>;
type Parameter = { name: string; in: string; required?: boolean; schema?: Schema };
type Media = { schema?: Schema; example?: unknown; examples?: Record<string, { value: unknown }> };
type Content = Record<string, Media>;
type Operation = {
  summary?: string;
  description?: string;
  parameters?: Parameter[];
  responses?: Record<string, { content?: Content }>;
};
type Paths = Record<string, Record<string, Operation>>;

const mark = '#session';

/** The key under which the route of sessions is described until `joinFamilies` joins it with the other one. */
export const familyUrl = (url: string, constraints: unknown): string =>
  constraints !== null && typeof constraints === 'object' && 'credential' in constraints
    ? `${url}${mark}`
    : url;

/** Joins the operations of sessions with those of the same address. */
export function joinFamilies<D extends { paths?: unknown }>(document: D): D {
  const paths = document.paths as Paths;
  for (const [url, operations] of Object.entries(paths)) {
    if (!url.endsWith(mark)) continue;
    const own = url.slice(0, -mark.length);
    const others = paths[own] ?? {};
    for (const [method, operation] of Object.entries(operations)) {
      const other = others[method];
      others[method] = other ? joined(other, operation) : operation;
    }
    paths[own] = others;
    delete paths[url];
  }
  return document;
}

const lowerFirst = (text: string) => text.slice(0, 1).toLowerCase() + text.slice(1);

const joined = (byKey: Operation, bySession: Operation): Operation => ({
  ...byKey,
  description: [byKey.description, `With a session: ${lowerFirst(bySession.summary ?? '')}.`]
    .filter(Boolean)
    .join('\n\n'),
  parameters: joinedParameters(byKey.parameters ?? [], bySession.parameters ?? []),
  responses: joinedResponses(byKey.responses ?? {}, bySession.responses ?? {}),
});

function joinedParameters(byKey: readonly Parameter[], bySession: readonly Parameter[]): Parameter[] {
  const named = new Map(byKey.map((each) => [`${each.in} ${each.name}`, each]));
  for (const each of bySession) {
    const key = `${each.in} ${each.name}`;
    const other = named.get(key);
    // What one of the two families needs is not needed by every request.
    named.set(
      key,
      other
        ? { ...other, required: false, schema: either(other.schema, each.schema) }
        : { ...each, required: false },
    );
  }
  return [...named.values()];
}

function joinedResponses(
  byKey: NonNullable<Operation['responses']>,
  bySession: NonNullable<Operation['responses']>,
) {
  const statuses = new Set([...Object.keys(byKey), ...Object.keys(bySession)]);
  return Object.fromEntries(
    [...statuses].map((status) => {
      const [first, second] = [byKey[status], bySession[status]];
      const [one, two] = [first?.content?.[json], second?.content?.[json]];
      if (!one || !two) return [status, first ?? second!];
      const content = { ...first!.content, [json]: joinedMedia(one, two) };
      return [status, { ...first, content }];
    }),
  );
}

const json = 'application/json';

const examplesOf = ({ example, examples = {} }: Media): unknown[] => [
  ...(example === undefined ? [] : [example]),
  ...Object.values(examples).map(({ value }) => value),
];

function joinedMedia(byKey: Media, bySession: Media): Media {
  const values = [...examplesOf(byKey), ...examplesOf(bySession)];
  const examples = Object.fromEntries(values.map((value, index) => [`example${index + 1}`, { value }]));
  return {
    schema: either(byKey.schema, bySession.schema),
    ...(values.length > 0 ? { examples } : {}),
  };
}

function either(byKey: Schema = {}, bySession: Schema = {}): Schema {
  if (JSON.stringify(byKey) === JSON.stringify(bySession)) return byKey;
  return {
    anyOf: [
      { title: 'With an API key', ...byKey },
      { title: 'With a session', ...bySession },
    ],
  };
}
