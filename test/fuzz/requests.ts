import { createHmac } from 'node:crypto';
import twilio from 'twilio';
import type { Caller } from './people.ts';
import { type Random, randomOf } from './random.ts';
import { type Dictionary, jsonFor, stringFor } from './schema.ts';
import type { Route, Surface } from './surface.ts';
import { brokenJson, hostileCsv, hostileJson, hostileSegment, hostileString, wellFormed } from './values.ts';

export type FuzzRequest = {
  index: number;
  caller: string;
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
  // Pages are for sessions, and the API is for keys: most requests come from someone who may enter.
  const fitting = world.callers.filter(({ for: rooms }) => rooms === (isPage(route) ? 'pages' : 'api'));
  const strangers = world.callers.filter(({ for: rooms }) => rooms === null);
  const caller = random.pick(endsSession(route) ? strangers : random.chance(0.8) ? fitting : world.callers);
  const method = random.chance(0.05)
    ? random.pick(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'PROPFIND'])
    : route.method;
  const path = pathOf(route, random, world.words) + queryOf(route, random, world.words);
  const body = route.method === 'GET' && random.chance(0.95) ? null : bodyOf(route, random, world.words);
  const headers: Record<string, string> = { ...caller.headers, ...extraHeaders(random) };
  if (body?.type) headers['content-type'] = body.type;
  if (body) sign(route, path, body, headers, world.publicUrl, random);
  // Latin-1 keeps lone surrogates and invalid UTF-8 as bytes now and then.
  const encoding = random.chance(0.02) ? 'latin1' : 'utf8';
  return {
    index,
    caller: caller.name,
    method,
    path,
    headers,
    body: body && Buffer.from(body.text, encoding),
  };
}

const isPage = ({ url }: Route) =>
  /^\/(?:$|dashboard|console|companies|company\/register|queues|log)/.test(url);

/** What would leave the run without its sessions. */
const endsSession = ({ url }: Route) => /^\/logout$|\/people\/:user_id\/remove$/.test(url);

function pathOf({ url }: Route, random: Random, words: Dictionary): string {
  const path = url.replace(/:(\w+)|\*/g, (_found, name: string | undefined) => {
    if (random.chance(0.2)) return hostileSegment(random);
    const known = words[name ?? '*'] ?? words.uuid ?? ['x'];
    return encodeURIComponent(random.pick(known));
  });
  if (!random.chance(0.02)) return path;
  return random.pick([
    `/${path}`,
    `${path}/`,
    `${path}/..`,
    path.toUpperCase(),
    `${path}%00`,
    `${path}/${hostileSegment(random)}`,
  ]);
}

function queryOf({ query }: Route, random: Random, words: Dictionary): string {
  const parts: string[] = [];
  for (const [name, schema] of Object.entries(query)) {
    if (!random.chance(0.4)) continue;
    const value = random.chance(0.3)
      ? hostileSegment(random)
      : encodeURIComponent(wellFormed(queryValue(schema, random, words, name)));
    parts.push(`${name}=${value}`);
    if (random.chance(0.05)) parts.push(`${name}=${hostileSegment(random)}`);
  }
  if (random.chance(0.08)) parts.push(`${hostileSegment(random)}=${hostileSegment(random)}`);
  return parts.length > 0 ? `?${parts.join('&')}` : '';
}

function queryValue(schema: Route['query'][string], random: Random, words: Dictionary, name: string): string {
  const json = jsonFor(schema, random, words, name, 1);
  return json.startsWith('"') ? String(JSON.parse(json)) : json;
}

function bodyOf(route: Route, random: Random, words: Dictionary): Body | null {
  if (random.chance(0.03)) return null;
  const natural = naturalBody(route, random, words);
  if (random.chance(0.05)) return { ...natural, text: random.pick(brokenJson) };
  return random.chance(0.08) ? { ...natural, type: random.pick(types) } : natural;
}

/** The content type that the route reads, with a body of that kind. */
function naturalBody(route: Route, random: Random, words: Dictionary): Body {
  if (route.consumes.includes('text/csv'))
    return random.chance(0.5)
      ? { type: 'text/csv', text: hostileCsv(random) }
      : { type: `multipart/form-data; boundary=${boundary}`, text: multipart(random, words) };
  if (route.url === '/webhook/stripe' || route.url === '/api/webhooks/stripe')
    return { type: 'application/json', text: stripeEvent(random, words) };
  if (route.url.startsWith('/webhook/twilio')) return { type: form, text: twilioForm(random, words) };
  if (route.body) return { type: 'application/json', text: jsonFor(route.body, random, words) };
  if (route.fields.length > 0) return { type: form, text: formFor(route.fields, random, words) };
  return random.chance(0.5)
    ? { type: 'application/json', text: hostileJson(random) }
    : { type: form, text: formFor(['a', 'b'], random, words) };
}

function formFor(fields: readonly string[], random: Random, words: Dictionary): string {
  const parts = fields
    .filter(() => random.chance(0.7))
    .map((name) => `${encodeURIComponent(name)}=${formValue(name, random, words)}`);
  if (random.chance(0.05)) parts.push('a'.repeat(random.integer(1, 40_000)));
  return parts.join('&');
}

const formValue = (name: string, random: Random, words: Dictionary) =>
  random.chance(0.25)
    ? hostileSegment(random)
    : encodeURIComponent(wellFormed(stringFor({}, random, words, name)));

function multipart(random: Random, words: Dictionary): string {
  const field = (name: string, value: string) =>
    `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const fields = ['company_id', 'encoding', 'delimiter', 'mapping', 'start', 'again']
    .filter(() => random.chance(0.4))
    .map((name) =>
      field(name, random.chance(0.4) ? hostileString(random) : stringFor({}, random, words, name)),
    );
  const file = `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="${random.pick(['leads.csv', '../x', '', 'a\0b', '"'])}"\r\n\r\n${hostileCsv(random)}\r\n`;
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
