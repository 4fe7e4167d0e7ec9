/** One message. `app`: sent by the product. `carrier`: the carrier's confirmation of STOP. `phone`: sent by the phone. */
export type Bubble = {
  id: string;
  at: string;
  by: 'app' | 'carrier' | 'phone';
  provider: 'twilio' | 'textmagic';
  text: string;
  status: string;
  errorCode: number | null;
};

export type Phone = {
  number: string;
  bubbles: Bubble[];
  lastAt: string;
  /** Refuses sends with this Twilio code (21211, 21614, ...). */
  refuse: number | null;
  /** Accepts, then reports this delivery error (30003, 30006, ...). */
  fail: number | null;
};

const maxPhones = 5_000;
const maxBubbles = 200;

/** All phones that received or sent a text. Opt-outs are kept per pair of our number and their phone. */
export class Phones {
  #phones = new Map<string, Phone>();
  #optedOut = new Set<string>();
  #onChange: () => void;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  get(number: string): Phone {
    const known = this.#phones.get(number);
    if (known) return known;
    const phone: Phone = { number, bubbles: [], lastAt: new Date().toISOString(), refuse: null, fail: null };
    this.#phones.set(number, phone);
    if (this.#phones.size > maxPhones) {
      const oldest = this.#phones.keys().next().value;
      if (oldest !== undefined) this.#phones.delete(oldest);
    }
    return phone;
  }

  find(number: string): Phone | null {
    return this.#phones.get(number) ?? null;
  }

  add(number: string, bubble: Bubble): void {
    const phone = this.get(number);
    phone.bubbles.push(bubble);
    if (phone.bubbles.length > maxBubbles) phone.bubbles.shift();
    phone.lastAt = bubble.at;
    this.#onChange();
  }

  setStatus(number: string, id: string, status: string, errorCode: number | null): void {
    const bubble = this.#phones.get(number)?.bubbles.findLast((candidate) => candidate.id === id);
    if (bubble) Object.assign(bubble, { status, errorCode });
    this.#onChange();
  }

  setOptedOut(ours: string, theirs: string, optedOut: boolean): void {
    if (optedOut) this.#optedOut.add(`${ours} ${theirs}`);
    else this.#optedOut.delete(`${ours} ${theirs}`);
    this.#onChange();
  }

  isOptedOut(ours: string, theirs: string): boolean {
    return this.#optedOut.has(`${ours} ${theirs}`);
  }

  optOutsOf(ours: string): string[] {
    return [...this.#optedOut]
      .filter((pair) => pair.startsWith(`${ours} `))
      .map((pair) => pair.split(' ')[1] ?? '');
  }

  /** Most recently active first. */
  recent(limit: number): (Phone & { optedOut: boolean })[] {
    const pairs = [...this.#optedOut];
    return [...this.#phones.values()]
      .sort((a, b) => b.lastAt.localeCompare(a.lastAt))
      .slice(0, limit)
      .map((phone) => ({ ...phone, optedOut: pairs.some((pair) => pair.endsWith(` ${phone.number}`)) }));
  }

  reset(): void {
    this.#phones.clear();
    this.#optedOut.clear();
    this.#onChange();
  }
}

const stopWords = new Set(['STOP', 'STOPALL', 'UNSUBSCRIBE', 'CANCEL', 'END', 'QUIT', 'REVOKE', 'OPTOUT']);
const startWords = new Set(['START', 'YES', 'UNSTOP']);
const helpWords = new Set(['HELP', 'INFO']);

export type Keyword = 'stop' | 'start' | 'help';
/** Words that an account adds to the carrier's own, in any case. */
export type OwnKeywords = Partial<Record<Keyword, readonly string[]>>;

/** Returns the keyword that the whole message consists of, in any case, or null. */
export function keyword(text: string, own: OwnKeywords = {}): Keyword | null {
  const word = text.trim().toUpperCase();
  const isOwn = (kind: Keyword) => (own[kind] ?? []).some((listed) => listed.toUpperCase() === word);
  if (isOwn('stop') || stopWords.has(word)) return 'stop';
  if (isOwn('start') || startWords.has(word)) return 'start';
  return isOwn('help') || helpWords.has(word) ? 'help' : null;
}

const gsm = /^[@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&'()*+,\-./0-9:;<=>?¡A-ZÄÖÑÜ§¿a-zäöñüà^{}\\[\]~|€]*$/;

/** Returns the number of SMS parts: 160 characters (153 each when split) in GSM-7, 70 (67) otherwise. */
export function segments(text: string): number {
  if (!gsm.test(text)) return text.length <= 70 ? 1 : Math.ceil(text.length / 67);
  const extended = text.match(/[\^{}\\[\]~|€]/g)?.length ?? 0;
  const length = text.length + extended;
  return length <= 160 ? 1 : Math.ceil(length / 153);
}
