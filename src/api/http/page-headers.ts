import type { Config } from '../../config.ts';

/** Headers of every page: nothing inline and nothing from other sites, except data: images (icons in the style sheet). */
export function pageHeaders(
  config: Pick<Config, 'publicUrl' | 'google'>,
  /** More origins a form may lead to: Chromium also applies form-action to redirects. */
  formsTo: readonly string[] = config.google ? [config.google.baseUrl ?? 'https://accounts.google.com'] : [],
  /** Hashes of the only inline styles a page may have. */
  styles: readonly string[] = [],
): Record<string, string> {
  const policy = [
    "default-src 'self'",
    `style-src ${["'self'", ...styles.map((hash) => `'${hash}'`)].join(' ')}`,
    "img-src 'self' data:",
    "base-uri 'self'",
    "object-src 'none'",
    "frame-ancestors 'none'",
    `form-action ${["'self'", ...formsTo].join(' ')}`,
  ];
  return {
    'content-security-policy': policy.join('; '),
    'referrer-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'cross-origin-opener-policy': 'same-origin',
    ...(config.publicUrl.startsWith('https://') ? { 'strict-transport-security': 'max-age=31536000' } : {}),
  };
}
