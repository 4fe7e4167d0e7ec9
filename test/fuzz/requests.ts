import { createHmac } from 'node:crypto';
import twilio from 'twilio';
import type { Caller } from './people.ts';
import { type Random, randomOf } from './random.ts';
import { type Room, roomOf } from './rooms.ts';
import { type Dictionary, jsonFor, stringFor } from './schema.ts';
import type { Route, Surface } from './surface.ts';
import {
  brokenJson,
  csvOf,
  hostileCsv,
  hostileJson,
  hostileSegment,
  hostileString,
  wellFormed,
} from './values.ts';

export type FuzzRequest = {
  index: number;
  caller: string;
  /** The route that is meant. */
  route: string;
  room: Room;
  /** With the method and the path of the route, and ids alone in it. */
  isPlain: boolean;
  method: string;
  /** As written into the request line. */
  path: string;
  headers: Record<string, string>;
  body: Buffer | null;
};

type Body = { type: string; text: string };
type World = { surface: Surface; callers: readonly Caller[]; words: Dictionary; publicUrl: string };

const form = 'application/x-www-form-urlencoded';
const boundary = 'fuzzboundary';
const types = [
  'application/json',
  form,
  'text/csv',
  `multipart/form-data; boundary=${boundary}`,
  'text/plain',
  'application/xml',
  'application/json; charset=utf-16',
  'multipart/form-data',
  'x/y; z',
  '',
];

/** The request with this index. It follows from the seed, the route table and the ids in `words`. */
export function requestOf(seed: number, index: number, world: World): FuzzRequest {
  const random = randomOf(seed, index);
  const route = random.pick(world.surface.routes);
  const room = roomOf(route);
  // Pages are for sessions, and the API is for keys: most requests come from a caller that may enter.
  const fitting = world.callers.filter(({ rooms }) => rooms.includes(room));
  const strangers = world.callers.filter(({ rooms }) => rooms.length === 0);
  const caller = random.pick(endsSession(route) ? strangers : random.chance(0.8) ? fitting : world.callers);
  const method = random.chance(0.05)
    ? random.pick(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'PROPFIND'])
    : route.method;
  const words: Dictionary = { ...world.words, ...caller.words };
  const { path: named, isPlain } = pathOf(route, random, words);
  const path = named + queryOf(route, random, words);
  const isBare = ['GET', 'DELETE'].includes(route.method) && random.chance(0.95);
  const body = isBare ? null : bodyOf(route, random, words);
  const headers: Record<string, string> = { ...caller.headers, ...extraHeaders(random) };
  if (body?.type) headers['content-type'] = body.type;
  if (body) sign(route, path, body, headers, world.publicUrl, random);
  // Latin-1 keeps lone surrogates and invalid UTF-8 as bytes now and then.
  const encoding = random.chance(0.02) ? 'latin1' : 'utf8';
  return {
    index,
    caller: caller.name,
    route: `${route.method} ${route.url}`,
    room,
    isPlain: isPlain && method === route.method,
    method,
    path,
    headers,
    body: body && Buffer.from(body.text, encoding),
  };
}

/** What would leave the run without its sessions. */
const endsSession = ({ url }: Route) => /^\/logout$|\/people\/:user_id\/remove$/.test(url);

/** `isPlain`: the path of the route, with ids alone. */
function pathOf({ url }: Route, random: Random, words: Dictionary): { path: string; isPlain: boolean } {
  let isPlain = true;
  const path = url.replace(/:(\w+)|\*/g, (_found, name: string | undefined, offset: number) => {
    if (random.chance(1.5 * random.hostility)) {
      isPlain = false;
      return hostileSegment(random);
    }
    const known = knownAt(words, url, { offset, name: name ?? '*' }) ?? words.uuid ?? ['x'];
    return encodeURIComponent(random.pick(known));
  });
  if (!random.chance(0.02)) return { path, isPlain };
  const odd = random.pick([
    `/${path}`,
    `${path}/`,
    `${path}/..`,
    path.toUpperCase(),
    `${path}%00`,
    `${path}/${hostileSegment(random)}`,
  ]);
  return { path: odd, isPlain: false };
}

type Place = { offset: number; name: string };

/**
 * What a path calls `:id` is told by the segments around it, and what a query calls `id` by the last one: `buyers/id`, or
 * `campaigns/id/leads`.
 */
function knownAt(words: Dictionary, url: string, { offset, name }: Place): readonly string[] | undefined {
  const before = url.slice(0, offset).replace(/\/$/, '').split('/').at(-1);
  const [, after = ''] = url.slice(offset).split('/');
  return words[`${before}/${name}/${after}`] ?? words[`${before}/${name}`] ?? words[name];
}

function queryOf({ url, query }: Route, random: Random, words: Dictionary): string {
  const parts: string[] = [];
  for (const [name, schema] of Object.entries(query)) {
    if (!random.chance(0.4)) continue;
    const value = random.chance(2 * random.hostility)
      ? hostileSegment(random)
      : encodeURIComponent(wellFormed(queryValue(schema, random, { words, url, name })));
    parts.push(`${name}=${value}`);
    if (random.chance(0.05)) parts.push(`${name}=${hostileSegment(random)}`);
  }
  if (random.chance(0.08)) parts.push(`${hostileSegment(random)}=${hostileSegment(random)}`);
  return parts.length > 0 ? `?${parts.join('&')}` : '';
}

type Named = { words: Dictionary; url: string; name: string };

function queryValue(schema: Route['query'][string], random: Random, { words, url, name }: Named): string {
  const known = knownAt(words, url, { offset: url.length, name });
  const json = jsonFor(schema, random, known ? { ...words, [name]: known } : words, name, 1);
  return json.startsWith('"') ? String(JSON.parse(json)) : json;
}

function bodyOf(route: Route, random: Random, words: Dictionary): Body | null {
  if (random.chance(random.hostility / 4)) return null;
  const natural = naturalBody(route, random, words);
  if (random.chance(random.hostility / 2)) return { ...natural, text: random.pick(brokenJson) };
  return random.chance(random.hostility / 2) ? { ...natural, type: random.pick(types) } : natural;
}

/** The content type that the route reads, with a body of that kind. */
function naturalBody(route: Route, random: Random, words: Dictionary): Body {
  if (route.consumes.includes('text/csv')) {
    const csv = csvFor(route, random, words);
    return random.chance(0.5)
      ? { type: 'text/csv', text: csv }
      : { type: `multipart/form-data; boundary=${boundary}`, text: multipart(csv, random, words) };
  }
  if (route.url === '/webhook/stripe' || route.url === '/api/webhooks/stripe')
    return { type: 'application/json', text: stripeEvent(random, words) };
  if (route.url.startsWith('/webhook/twilio')) return { type: form, text: twilioForm(random, words) };
  if (route.body) return { type: 'application/json', text: jsonFor(route.body, random, words) };
  if (route.fields.length > 0) return { type: form, text: formFor(route.fields, random, words) };
  return random.chance(0.5)
    ? { type: 'application/json', text: hostileJson(random) }
    : { type: form, text: formFor(['a', 'b'], random, words) };
}

/** Most files have the columns that the route reads. */
const csvFor = ({ columns }: Route, random: Random, words: Dictionary): string =>
  columns.length > 0 && random.chance(1 - 3 * random.hostility)
    ? csvOf(columns, random, (column) => stringFor({}, random, words, column))
    : hostileCsv(random);

function formFor(fields: readonly string[], random: Random, words: Dictionary): string {
  const parts = fields
    .filter(() => random.chance(0.7))
    .map(
      (name) => `${encodeURIComponent(fieldNameOf(name, random, words))}=${formValue(name, random, words)}`,
    );
  if (random.chance(random.hostility / 2)) parts.push('a'.repeat(random.integer(1, 40_000)));
  return parts.join('&');
}

/** A box of a category is named by its id. */
const fieldNameOf = (name: string, random: Random, words: Dictionary): string =>
  name.replace(/^category-x$/, () => `category-${random.pick(words.categories ?? ['x'])}`);

const formValue = (name: string, random: Random, words: Dictionary) =>
  random.chance(2 * random.hostility)
    ? hostileSegment(random)
    : encodeURIComponent(wellFormed(stringFor({}, random, words, name.replace(/^(?:field-\d+|data)-/, ''))));

function multipart(csv: string, random: Random, words: Dictionary): string {
  const field = (name: string, value: string) =>
    `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const fields = ['company_id', 'encoding', 'delimiter', 'mapping', 'start', 'again']
    .filter(() => random.chance(0.4))
    .map((name) =>
      field(name, random.chance(0.4) ? hostileString(random) : stringFor({}, random, words, name)),
    );
  const file = `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="${random.pick(['leads.csv', '../x', '', 'a\0b', '"'])}"\r\n\r\n${csv}\r\n`;
  const parts = random.chance(0.8) ? [...fields, file] : [file, ...fields, file];
  return `${parts.join('')}${random.chance(0.9) ? `--${boundary}--\r\n` : ''}`;
}

function stripeEvent(random: Random, words: Dictionary): string {
  const kinds = [
    'checkout.session.completed',
    'checkout.session.expired',
    'payment_intent.succeeded',
    'charge.refunded',
    'charge.dispute.created',
    'customer.created',
  ];
  const object = `{"id":"cs_${random.integer(1, 99)}","object":"checkout.session","payment_status":"paid","payment_intent":"pi_1","amount_total":2000,"currency":"usd","metadata":{"unlock_id":${JSON.stringify(random.pick(words.uuid ?? ['x']))}},"client_reference_id":${hostileJson(random)}}`;
  const whole = random.chance(0.3) ? hostileJson(random) : object;
  return `{"id":"evt_${random.integer(1, 10_000)}","object":"event","type":"${random.pick(kinds)}","livemode":${random.chance(0.9) ? 'false' : hostileJson(random)},"created":1790000000,"data":{"object":${whole}}}`;
}

function twilioForm(random: Random, words: Dictionary): string {
  const fields: Record<string, string> = {
    MessageSid: `SM${random.integer(1, 100_000)}`,
    From: random.chance(0.7) ? random.pick(words.provider_phone ?? ['+13055550160']) : hostileString(random),
    To: '+15005550006',
    Body: random.chance(0.5) ? random.pick(['Y', 'N', 'HELP', 'who?', 'START']) : hostileString(random),
    MessageStatus: random.pick(['delivered', 'failed', 'undelivered', 'queued', 'x']),
    ErrorCode: random.pick(['', '30003', '21610', 'x']),
  };
  return new URLSearchParams(fields).toString();
}

const stripeSecret = 'whsec_sandbox_leadgate';
const twilioToken = 'sandbox-twilio-token';

/** Most webhooks carry the signature that the sandbox's public secrets make. */
function sign(
  { url }: Route,
  path: string,
  { text, type }: Body,
  headers: Record<string, string>,
  publicUrl: string,
  random: Random,
): void {
  if (random.chance(0.15)) return;
  if (url.endsWith('/stripe') && url.includes('webhook')) {
    const at = Math.floor(Date.now() / 1_000);
    const v1 = createHmac('sha256', stripeSecret)
      .update(`${at}.${wellFormed(text)}`)
      .digest('hex');
    headers['stripe-signature'] = `t=${at},v1=${v1}`;
  } else if (url.startsWith('/webhook/twilio') && type === form) {
    const params = Object.fromEntries(new URLSearchParams(text));
    headers['x-twilio-signature'] = twilio.getExpectedTwilioSignature(twilioToken, publicUrl + path, params);
  }
}

function extraHeaders(random: Random): Record<string, string> {
  const headers: Record<string, string> = {
    accept: random.pick([
      'application/json',
      'text/html',
      '*/*',
      'text/event-stream',
      'application/xml;q=0.1',
    ]),
  };
  const odd: [string, () => string][] = [
    ['idempotency-key', () => random.pick(['key-1', 'key-2', 'k'.repeat(255), 'k'.repeat(256), 'é', ' '])],
    ['x-organization', () => random.pick(['attacker', 'victim', 'demo', '', '%00', 'x'.repeat(2_000)])],
    ['x-forwarded-for', () => '203.0.113.9, 127.0.0.1'],
    ['x-forwarded-proto', () => 'https'],
    ['content-encoding', () => random.pick(['gzip', 'identity', 'br, gzip'])],
    ['range', () => random.pick(['bytes=0-0', 'bytes=-1', 'bytes=9-1', 'items=1'])],
    ['if-none-match', () => random.pick(['*', '"x"', 'W/"'])],
    ['if-modified-since', () => 'never'],
    ['origin', () => random.pick(['https://evil.example', 'null', ''])],
    ['cookie', () => random.pick(['a=b', '=;;', `x=${'y'.repeat(4_000)}`, 'leadgate.session_token=x.y'])],
    [
      'x-request-id',
      () =>
        hostileString(random)
          .replace(/[^\x20-\x7e]/g, '?')
          .slice(0, 500),
    ],
    ['expect', () => '100-continue'],
    ['last-event-id', () => '999999999999'],
    ['host', () => random.pick(['evil.example', 'localhost', '127.0.0.1', ''])],
    ['accept-language', () => 'x'.repeat(3_000)],
  ];
  for (const [name, value] of odd) if (random.chance(0.03)) headers[name] = value();
  return headers;
}

const longestShown = 300;

/** A line to repeat it by. A long or binary body is cut: `--only <index>` sends it whole. */
export function asCurl(request: FuzzRequest, url: string): string {
  const { method, path, headers, body, caller } = request;
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const shown = body?.toString('utf8') ?? '';
  const data = body === null ? '' : ` --data-binary ${quoted(shown.slice(0, longestShown))}`;
  const cut = shown.length > longestShown ? ` # of ${body?.length} bytes` : '';
  const all = Object.entries(headers).map(
    ([name, value]) => ` -H ${quoted(`${name}: ${value.slice(0, longestShown)}`)}`,
  );
  return `curl -i --path-as-is -X ${method} ${quoted(url + path)}${all.join('')}${data}${cut} # as ${caller}`;
}
