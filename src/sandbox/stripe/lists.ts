import { type Params, Refusal } from '../vendor.ts';
import type { StripeStore } from './store.ts';

export function lineItems(store: StripeStore, id: string, path: string) {
  return { object: 'list', data: store.extras.get(id)?.lineItems ?? [], has_more: false, url: path };
}

/** Returns a copy with ids replaced by objects along each `expand` path. */
export function expanded(
  store: StripeStore,
  value: Record<string, unknown>,
  params: Params,
): Record<string, unknown> {
  const paths = Array.isArray(params.expand) ? params.expand.map(String) : [];
  if (paths.length === 0) return value;
  const copy = structuredClone(value);
  for (const path of paths) expandOne(store, copy, path.split('.'), path);
  return copy;
}

function expandOne(store: StripeStore, target: Record<string, unknown>, path: string[], whole: string): void {
  const [name = '', ...rest] = path;
  if (name === 'line_items' && target.object === 'checkout.session') {
    target.line_items = lineItems(
      store,
      String(target.id),
      `/v1/checkout/sessions/${String(target.id)}/line_items`,
    );
    return;
  }
  if (!Object.hasOwn(target, name)) {
    throw new Refusal(400, null, `This property cannot be expanded (${whole}).`, 'expand');
  }
  const current = target[name];
  if (current === null) return;
  if (typeof current === 'string') target[name] = structuredClone(store.find(current) ?? current);
  const next = target[name];
  if (rest.length > 0 && typeof next === 'object' && next !== null) {
    expandOne(store, next as Record<string, unknown>, rest, whole);
  }
}

const notFilters = new Set([
  'limit',
  'starting_after',
  'ending_before',
  'expand',
  'created',
  'type',
  'types',
  'delivery_success',
]);

/** Lists newest first, paged by id. Other parameters filter on the field of the same name. */
export function page(
  store: StripeStore,
  url: string,
  newestFirst: { id: string; created: number }[],
  query: URLSearchParams,
  params: Params,
) {
  const size = Math.min(100, Math.max(1, Number(query.get('limit') ?? 10) || 10));
  const found = newestFirst.filter((item) => listed(item, params));
  const position = (name: string) => found.findIndex((item) => item.id === query.get(name));
  const start = query.has('starting_after') ? position('starting_after') + 1 : 0;
  const end = query.has('ending_before') ? position('ending_before') : found.length;
  const window = found.slice(start, Math.max(start, end));
  const part = query.has('ending_before') ? window.slice(-size) : window.slice(0, size);
  const inner = Array.isArray(params.expand)
    ? params.expand.map((path) => String(path).replace(/^data\./, ''))
    : [];
  const data = part.map((item) => expanded(store, item, { expand: inner }));
  return { object: 'list', url, has_more: window.length > part.length, data };
}

function listed(item: { created: number; [field: string]: unknown }, params: Params): boolean {
  if (typeof params.type === 'string' && !new RegExp(`^${glob(params.type)}$`).test(String(item.type)))
    return false;
  if (Array.isArray(params.types) && !params.types.includes(item.type)) return false;
  if (!createdWithin(item.created, params.created)) return false;
  return Object.entries(params).every(([name, value]) => notFilters.has(name) || item[name] === value);
}

function glob(pattern: string): string {
  return pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
}

function createdWithin(created: number, range: unknown): boolean {
  if (typeof range === 'string') return created === Number(range);
  if (typeof range !== 'object' || range === null) return true;
  const { gt, gte, lt, lte } = range as Partial<Record<string, string>>;
  return (
    (gt === undefined || created > Number(gt)) &&
    (gte === undefined || created >= Number(gte)) &&
    (lt === undefined || created < Number(lt)) &&
    (lte === undefined || created <= Number(lte))
  );
}
