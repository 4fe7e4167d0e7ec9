import { documentOf, escapeHtml, page } from '../page/html.ts';
import { type Answer, Refusal, type VendorRequest } from '../vendor.ts';
import type { createStripeActs } from './acts.ts';
import type { StripeStore } from './store.ts';

export type PageContext = {
  store: StripeStore;
  act: Pick<ReturnType<typeof createStripeActs>, 'pay' | 'saveCard' | 'confirmAtBank'>;
};

/** A page of one sentence. */
export function sentence(status: number, title: string, text: string): Answer {
  const body = `<body class="checkout"><main><p class="badge">Test payment · no real money</p><h2>${escapeHtml(title)}</h2><p>${escapeHtml(text)}</p></main></body>`;
  return page(status, documentOf(title, 'checkout', body));
}

export function seeOther(location: string): Answer {
  return { status: 303, headers: { location, 'cache-control': 'no-store' }, body: '' };
}

/** The origins that a form of the page may lead to. */
export function originsOf(urls: (string | null)[]): string[] {
  return [...new Set(urls.flatMap((url) => (url ? [new URL(url).origin] : [])))];
}

export function assertRead(request: VendorRequest): void {
  if (request.method !== 'GET' && request.method !== 'HEAD')
    throw new Refusal(405, 405, 'Method Not Allowed');
}
