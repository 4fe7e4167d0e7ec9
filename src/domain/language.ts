/** Languages a buyer can be written to in. Adding one here makes its text file a compile error until it exists. */
export const LANGUAGES = ['en', 'es'] as const;
export type Language = (typeof LANGUAGES)[number];

/** `es-MX`, `ES` → `es`; anything unknown or missing → `en`, because a text in English beats no text. */
export function languageOf(tag: string | null | undefined): Language {
  const base = (tag ?? '').trim().toLowerCase().split(/[-_]/)[0];
  return LANGUAGES.find((language) => language === base) ?? 'en';
}
