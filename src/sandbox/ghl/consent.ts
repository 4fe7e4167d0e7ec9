import type { Settings } from '../options.ts';
import { documentOf, escapeHtml, page } from '../page/html.ts';
import { type Answer, parseFlatForm, Refusal, type VendorRequest } from '../vendor.ts';
import type { Locations } from './locations.ts';
import type { Tokens } from './tokens.ts';

/** Ids of real locations have letters and digits; those of tests and examples also hyphens. */
const locationId = /^[\w-]{1,64}$/;

type Parts = { settings: Settings; locations: Locations; tokens: Tokens };

/** The page of marketplace.gohighlevel.com on which a CRM user selects a location and authorizes the app. */
export function serveConsent({ settings, locations, tokens }: Parts, request: VendorRequest): Answer {
  const { query } = request;
  const redirectUri = query.get('redirect_uri') ?? '';
  const target = URL.canParse(redirectUri) ? new URL(redirectUri) : null;
  if (query.get('client_id') !== settings.ghl.clientId)
    throw new Refusal(400, 400, 'No integration found with this client_id.');
  if (query.get('response_type') !== 'code') throw new Refusal(400, 400, 'response_type must be code.');
  if (!target || !/^https?:$/.test(target.protocol))
    throw new Refusal(400, 400, 'redirect_uri is not a web address.');
  if (request.method === 'POST') {
    const form = parseFlatForm(request.rawBody);
    const location = String(form.location ?? '').trim();
    if (form.decision === 'allow') {
      if (!locationId.test(location))
        throw new Refusal(400, 400, 'A location id consists of letters, digits and hyphens.');
      target.searchParams.set('code', tokens.issueCode(location, redirectUri, query.get('scope') ?? ''));
    } else target.searchParams.set('error', 'access_denied');
    const state = query.get('state');
    if (state !== null) target.searchParams.set('state', state);
    return { status: 302, headers: { location: target.href, 'cache-control': 'no-store' }, body: '' };
  }
  const known = locations.list().slice(-50);
  const scopes = (query.get('scope') ?? '').split(/\s+/).filter(Boolean);
  const html = documentOf(
    'Choose a location',
    'checkout',
    `<body class="checkout consent">
<main>
  <p class="badge">Test consent · no real CRM</p>
  <h1>Authorize this app for a location</h1>
  <p>Requested scopes: ${scopes.map((scope) => `<code>${escapeHtml(scope)}</code>`).join(', ') || 'none'}.</p>
  <form method="post">
    <label for="location">Location id</label>
    <input id="location" name="location" list="locations" required pattern="[\\w\\-]{1,64}" autocomplete="off" value="${escapeHtml(known[0]?.id ?? '')}">
    <datalist id="locations">${known.map(({ id }) => `<option value="${escapeHtml(id)}">`).join('')}</datalist>
    <button class="primary" name="decision" value="allow">Allow</button>
    <button name="decision" value="deny" formnovalidate>Deny</button>
  </form>
</main>
</body>`,
  );
  return page(200, html, [target.origin]);
}
