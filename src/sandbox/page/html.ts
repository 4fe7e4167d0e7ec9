import type { Answer } from '../vendor.ts';

/** Escapes text for HTML content and attributes. */
export function escapeHtml(value: string): string {
  const names: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return value.replace(/[&<>"']/g, (character) => names[character] ?? '');
}

/** `formTargets`: other origins that a form may redirect to; Chromium applies form-action to the redirect as well. */
export function page(status: number, html: string, formTargets: string[] = []): Answer {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    `form-action 'self' ${formTargets.join(' ')}`.trim(),
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      'x-content-type-options': 'nosniff',
      // no-referrer would set a form's Origin to "null", which the sandbox refuses.
      'referrer-policy': 'same-origin',
      'cache-control': 'no-store',
    },
    body: html,
  };
}

/** `sheet`: name of the page's stylesheet. */
export function documentOf(
  title: string,
  sheet: 'desk' | 'checkout' | 'crm',
  body: string,
  script = '',
): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/assets/base.css">
<link rel="stylesheet" href="/assets/${sheet}.css">
${script}
</head>
${body}
</html>`;
}

/** Formats minor units: 2000 usd → $20.00. */
export function price(amount: number, currency: string): string {
  const format = new Intl.NumberFormat('en-US', { style: 'currency', currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(amount / 10 ** digits);
}
