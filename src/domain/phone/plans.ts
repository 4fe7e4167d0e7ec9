import { type CountryCode, Metadata } from 'libphonenumber-js';

/*
 * libphonenumber-js compiles its patterns for every number it parses, which takes 20 to 60 µs. Nearly all numbers of an
 * import are written in a common notation, so those are checked here against the same patterns, compiled once. All
 * others are left to the library. A property test checks that both give the same result.
 */

/** The part of a numbering plan that is used here; the library's types do not declare it. */
type RawPlan = {
  IDDPrefix(): string;
  callingCode(): string;
  nationalNumberPattern(): string;
  nationalPrefixForParsing(): string | undefined;
  leadingDigits(): string | undefined;
  hasTypes(): boolean;
  type(name: string): { pattern(): string; possibleLengths(): number[] | undefined } | undefined;
};
type RawMetadata = {
  numberingPlan: RawPlan;
  hasCallingCode(code: string): boolean;
  getCountryCodesForCallingCode(code: string): CountryCode[] | undefined;
  selectNumberingPlan(region: string): void;
};

const TYPES = [
  'FIXED_LINE',
  'MOBILE',
  'PREMIUM_RATE',
  'TOLL_FREE',
  'SHARED_COST',
  'VOIP',
  'PERSONAL_NUMBER',
  'PAGER',
  'UAN',
  'VOICEMAIL',
];

type Plan = {
  callingCode: string;
  internationalPrefix: RegExp;
  nationalPrefix: RegExp | null;
  pattern: RegExp;
  leadingDigits: RegExp | null;
  types: { pattern: RegExp; lengths: number[] | undefined }[] | null;
};

const plans = new Map<string, Plan | null>();
const regions = new Map<string, readonly string[]>();

const metadata = new Metadata() as unknown as RawMetadata;
const whole = (pattern: string) => new RegExp(`^(?:${pattern})$`);

function planOf(region: string): Plan | null {
  let plan = plans.get(region);
  if (plan === undefined) {
    plan = readPlan(region);
    plans.set(region, plan);
  }
  return plan;
}

function readPlan(region: string): Plan {
  metadata.selectNumberingPlan(region);
  const raw = metadata.numberingPlan;
  const prefix = raw.nationalPrefixForParsing();
  const leading = raw.leadingDigits();
  const types = raw.hasTypes()
    ? TYPES.flatMap((name) => {
        const type = raw.type(name);
        return type?.pattern() ? [{ pattern: whole(type.pattern()), lengths: type.possibleLengths() }] : [];
      })
    : null;
  return {
    callingCode: raw.callingCode(),
    internationalPrefix: new RegExp(`^(?:${raw.IDDPrefix()})`),
    nationalPrefix: prefix ? new RegExp(`^(?:${prefix})`) : null,
    pattern: whole(raw.nationalNumberPattern()),
    leadingDigits: leading ? new RegExp(`^(?:${leading})`) : null,
    types,
  };
}

/** Returns all regions that share a calling code, the main one first; empty when the code does not exist. */
function regionsOf(callingCode: string): readonly string[] {
  let known = regions.get(callingCode);
  if (!known) {
    known = metadata.hasCallingCode(callingCode)
      ? (metadata.getCountryCodesForCallingCode(callingCode) ?? [])
      : [];
    regions.set(callingCode, known);
  }
  return known;
}

const hasType = ({ pattern, types }: Plan, national: string): boolean =>
  pattern.test(national) &&
  (types ?? []).some(
    (type) => (type.lengths?.includes(national.length) ?? true) && type.pattern.test(national),
  );

/** Whether the number is valid in one of the regions that share the calling code, by the library's own rules. */
function isNumberOf(callingCode: string, national: string): boolean {
  const candidates = regionsOf(callingCode);
  for (const region of candidates) {
    const plan = planOf(region);
    if (!plan) return false;
    const matchesRegion =
      candidates.length === 1 ||
      (plan.leadingDigits ? plan.leadingDigits.test(national) : hasType(plan, national));
    if (matchesRegion) return plan.types ? hasType(plan, national) : plan.pattern.test(national);
  }
  return false;
}

/** Digits with common punctuation between them, and a plus only in front. */
const COMMON_NOTATION = /^(\+ ?)?\(?\d+(?:[ .-]|\) ?|\) ?-| ?\(| - |\d)*\d$/;

/** Returns the E.164 form of a number that is certainly valid. Returns null when the library must decide. */
export function parseCommonNumber(text: string, region: CountryCode): string | null {
  if (text.length > 30 || !COMMON_NOTATION.test(text)) return null;
  const digits = text.replace(/\D/g, '');
  if (digits.length < 7 || digits.length > 15) return null;
  return text.charCodeAt(0) === 43 ? international(digits) : national(digits, region);
}

function international(digits: string): string | null {
  for (let length = 1; length <= 3; length += 1) {
    const callingCode = digits.slice(0, length);
    const [main] = regionsOf(callingCode);
    if (main === undefined) continue;
    const number = digits.slice(length);
    // "+44 (0)20…" has the national prefix after the calling code: left to the library.
    if (planOf(main)?.nationalPrefix?.test(number)) return null;
    return isNumberOf(callingCode, number) ? `+${digits}` : null;
  }
  return null;
}

function national(digits: string, region: CountryCode): string | null {
  const plan = planOf(region);
  if (!plan || plan.internationalPrefix.test(digits)) return null;
  const { callingCode } = plan;
  let number = digits;
  const prefix = plan.nationalPrefix?.exec(digits);
  if (prefix) {
    // Groups within the prefix select a carrier or insert an area code: left to the library.
    if (prefix.slice(1).some((group) => group)) return null;
    number = digits.slice(prefix[0].length);
    if (!plan.pattern.test(number)) return null;
  }
  // May be the calling code without its plus; in North America that equals the national prefix.
  if (digits.startsWith(callingCode) && !(callingCode === '1' && prefix?.[0] === '1')) return null;
  return number.length > 3 && isNumberOf(callingCode, number) ? `+${callingCode}${number}` : null;
}
