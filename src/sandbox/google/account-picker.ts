import { createHash } from 'node:crypto';
import type { Settings } from '../options.ts';
import { documentOf, escapeHtml, page } from '../page/html.ts';
import { type Answer, parseFlatForm, Refusal, type VendorRequest } from '../vendor.ts';
import type { Codes, GoogleAccount } from './codes.ts';

/** Accounts to pick at once; any other address can be typed. */
const suggested = ['ann@gmail.example', 'bob@gmail.example'];
const callbackPath = '/api/auth/callback/google';

type Parts = { settings: Settings; codes: Codes };
type Asked = {
  target: URL;
  redirectUri: string;
  challenge: string;
  nonce: string | null;
  state: string | null;
};

/** The page of accounts.google.com on which a person picks an account. */
export function serveAccountPicker({ settings, codes }: Parts, request: VendorRequest): Answer {
  const asked = askedFor(settings, request.query);
  if (request.method !== 'POST') return pickerPage(asked.target.origin);
  const { target, redirectUri, challenge, nonce, state } = asked;
  const form = parseFlatForm(request.rawBody);
  if (form.decision === 'deny') target.searchParams.set('error', 'access_denied');
  else {
    const account = accountOf(String(form.email ?? ''), form.unverified === undefined);
    target.searchParams.set('code', codes.issue({ account, redirectUri, challenge, nonce }));
  }
  if (state !== null) target.searchParams.set('state', state);
  return { status: 302, headers: { location: target.href, 'cache-control': 'no-store' }, body: '' };
}

/** Throws 400 for what Google shows an error page for: another client, an unregistered redirect, no S256 challenge. */
function askedFor({ google }: Settings, query: URLSearchParams): Asked {
  const redirectUri = query.get('redirect_uri') ?? '';
  const target = URL.canParse(redirectUri) ? new URL(redirectUri) : null;
  if (query.get('client_id') !== google.clientId)
    throw new Refusal(401, 401, 'Error 401: invalid_client. The OAuth client was not found.');
  const isRegistered = google.redirectUri === null || google.redirectUri === redirectUri;
  if (!target || !/^https?:$/.test(target.protocol) || target.pathname !== callbackPath || !isRegistered)
    throw new Refusal(400, 400, 'Error 400: redirect_uri_mismatch.');
  if (query.get('response_type') !== 'code')
    throw new Refusal(400, 400, 'Error 400: invalid_request. response_type must be code.');
  if (!(query.get('scope') ?? '').split(' ').includes('openid'))
    throw new Refusal(400, 400, 'Error 400: invalid_scope.');
  const challenge = query.get('code_challenge') ?? '';
  if (query.get('code_challenge_method') !== 'S256' || !/^[\w-]{43}$/.test(challenge))
    throw new Refusal(400, 400, 'Error 400: invalid_request. A code_challenge with S256 is required.');
  return { target, redirectUri, challenge, nonce: query.get('nonce'), state: query.get('state') };
}

function accountOf(given: string, emailVerified: boolean): GoogleAccount {
  const email = given.trim().toLowerCase();
  if (!/^[^\s@]{1,64}@[^\s@]{1,190}$/.test(email)) throw new Refusal(400, 400, 'Enter an e-mail address.');
  const digest = createHash('sha256').update(email).digest();
  const sub = `1${digest.readBigUInt64BE().toString().padStart(20, '0')}`;
  const [local = ''] = email.split('@');
  return { sub, email, emailVerified, name: local.charAt(0).toUpperCase() + local.slice(1) };
}

function pickerPage(origin: string): Answer {
  const buttons = suggested.map(
    (email) =>
      `<button name="email" value="${escapeHtml(email)}" formnovalidate>${escapeHtml(email)}</button>`,
  );
  const html = documentOf(
    'Choose an account',
    'checkout',
    `<body class="checkout consent">
<main>
  <p class="badge">Test sign-in · no real Google</p>
  <h1>Choose an account</h1>
  <form method="post">${buttons.join('\n    ')}</form>
  <form method="post">
    <label for="email">Another account</label>
    <input id="email" name="email" type="email" required autocomplete="off">
    <label><input name="unverified" type="checkbox"> Google has not verified this address</label>
    <button class="primary">Continue</button>
  </form>
  <form method="post"><button name="decision" value="deny">Cancel</button></form>
</main>
</body>`,
  );
  return page(200, html, [origin]);
}
