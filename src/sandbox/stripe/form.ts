import { type Params, Refusal } from '../vendor.ts';

const maxDepth = 8;

/** Parses Stripe's bracketed forms: `line_items[0][price_data][unit_amount]=2000`. Numbered keys become a list. */
export function parseStripeForm(body: string): Params {
  const root: Params = {};
  for (const pair of body.split('&')) {
    if (pair === '') continue;
    // The SDK leaves brackets unescaped, so the first "=" is the separator.
    const cut = pair.indexOf('=');
    const key = decode(cut < 0 ? pair : pair.slice(0, cut));
    assign(root, pathOf(key), cut < 0 ? '' : decode(pair.slice(cut + 1)));
  }
  return listsIn(root) as Params;
}

function pathOf(key: string): string[] {
  const open = key.indexOf('[');
  if (open < 0) return [key];
  const rest = [...key.slice(open).matchAll(/\[([^\]]*)\]/g)].map((match) => match[1] ?? '');
  const path = [key.slice(0, open), ...rest];
  if (path.length > maxDepth)
    throw new Refusal(400, null, 'Invalid request: parameters are nested too deeply.');
  return path;
}

function assign(root: Params, path: string[], value: string): void {
  let place = root;
  path.forEach((segment, index) => {
    if (segment === '__proto__')
      throw new Refusal(400, 'parameter_unknown', `Received unknown parameter: ${segment}`);
    const name = segment === '' ? String(Object.keys(place).length) : segment;
    if (index === path.length - 1) {
      place[name] = value;
      return;
    }
    const below = Object.hasOwn(place, name) ? place[name] : undefined;
    const next: Params = typeof below === 'object' && below !== null ? (below as Params) : {};
    place[name] = next;
    place = next;
  });
}

function listsIn(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, listsIn(item)] as const);
  const isList = entries.length > 0 && entries.every(([key], index) => key === String(index));
  return isList ? entries.map(([, item]) => item) : Object.fromEntries(entries);
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part.replaceAll('+', ' '));
  } catch {
    throw new Refusal(400, null, 'Invalid request: malformed percent-encoding.');
  }
}
