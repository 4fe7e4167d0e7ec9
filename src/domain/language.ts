/** Languages of the messages to buyers. Adding one here is a compile error until its texts exist. */
export const LANGUAGES = ['en', 'es'] as const;
export type Language = (typeof LANGUAGES)[number];

/** `es-MX`, `ES` → `es`; unknown or missing → `en`, because a message in English is better than none. */
export function languageOf(tag: string | null | undefined): Language {
  const base = (tag ?? '').trim().toLowerCase().split(/[-_]/)[0];
  return LANGUAGES.find((language) => language === base) ?? 'en';
}
