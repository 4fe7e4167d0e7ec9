import { acceptsInOtherWords, isQualified } from './acceptance.ts';
import { clausesOf } from './sentences.ts';

/** Whether the words of a text accept or decline the offer. What is neither, or both, is `unclear`. */
export type Intent = 'accept' | 'decline' | 'unclear';

const set = (words: string): ReadonlySet<string> => new Set(words.split(' '));

/** Unambiguous words count anywhere; the others also mean "and", "if" or "fine", and count first or last only. */
const ACCEPT_SURE = set('yes yeah yep yup yea 👍 ✅');
const ACCEPT_FIRST = set('y ok okay sure si');
const ACCEPT_LAST = set('y si');
const DECLINE_SURE = set('nope nah 👎 ❌ 🙅');
const DECLINE_EDGE = set('n no pass skip');
const DENIALS = set('not dont never cant cannot wont didnt doesnt isnt');
const QUESTIONS = set('what when who how why where which que cuanto cuanta cuando como quien donde cual');
const ASKING = set('can could should do does did is are would will may if puedo puede debo');
/** "No problem" does not decline, and "why not" is not a question. */
const IDIOMS = /\b(?:no (?:hay )?(?:problema?s?|worries|doubt|rush|idea|clue)|why not|not a problem)\b/g;
/** Not decided yet. */
const HESITATES =
  /\b(?:(?:let|lemme|give) me (?:think|check|see|know)|think about it|maybe|perhaps|hold on|not sure|get back to you|let you know|quizas?|tal vez|dejame (?:ver|pensar)|dejeme (?:ver|pensar))\b/;
/** A yes that is taken back. */
const DROPS = /\b(?:never ?mind|forget it|olvidalo|olvidelo)\b/;
/** Longer texts are not read as answers; they go to the operator's inbox. */
const ANSWER_WORDS = 20;

/**
 * Ambiguous texts are `unclear`: a help text costs less than acting on a wrong answer. `core` are the words without
 * courtesies, `text` is what they were taken from.
 */
export function intentOf(core: readonly string[], text: string): Intent {
  const asks = text.includes('?');
  const words = core
    .map(wellKnown)
    .join(' ')
    .replace(/\b(?:claro|supuesto) que si\b/, 'si')
    .replace(/\b(?:for sure|fo sho|sure why not)\b/, 'sure')
    .replace(IDIOMS, ' ')
    .split(' ')
    .filter(Boolean);
  if (words.length === 0 || words.length > ANSWER_WORDS) return 'unclear';
  const accepts = words.some((word) => ACCEPT_SURE.has(word) || ACCEPT_FIRST.has(word));
  const declines = words.some((word) => DECLINE_SURE.has(word) || DECLINE_EDGE.has(word));
  const line = words.join(' ');
  if (accepts && (declines || HESITATES.test(line) || DROPS.test(line))) return 'unclear';
  const clauses = clausesOf(text);
  if (accepts) return isAccept(words, asks) && !isQualified(text, clauses) ? 'accept' : 'unclear';
  if (acceptsInOtherWords(line) && !asks) return 'accept';
  if (asks) return 'unclear';
  return isDecline(words, clauses) ? 'decline' : 'unclear';
}

function isAccept(words: readonly string[], asks: boolean): boolean {
  if (words.some((word) => DENIALS.has(word))) return false;
  // "Should I reply yes?"
  if (asks && ASKING.has(words[0] ?? '')) return false;
  if (words.some((word) => ACCEPT_SURE.has(word))) return true;
  // "Y?" is a hesitant yes; "ok what is this?" is a question.
  if (words.length > 1 && (asks || words.some((word) => QUESTIONS.has(word)))) return false;
  return ACCEPT_FIRST.has(words[0] ?? '') || ACCEPT_LAST.has(words.at(-1) ?? '');
}

/** "Yesss", "noooo", "yessir", "oki": the word that is meant. */
const WELL_KNOWN: readonly (readonly [written: RegExp, meant: string])[] = [
  [/^y+e+s+(?:i+r+|m+a+m+)?$|^y+a+s{2,}$|^(?:yse|ys|eys|yess?h)$/, 'yes'],
  [/^y+e+a+h*$|^yeas$|^yeppers$/, 'yeah'],
  [/^n+o{2,}$|^(?:nop|naw|nay|nel|noup)$|^n+o{2,}p+e*$/, 'nope'],
  [/^s+i{2,}p?$|^sip$/, 'si'],
  [/^(?:k|kk|oki|okie|okey|okk+|okis|👌)$/u, 'ok'],
  [/^[✔☑]$/u, '✅'],
];

const wellKnown = (word: string): string => WELL_KNOWN.find(([written]) => written.test(word))?.[1] ?? word;

/** "Not interested", "I'm not available", "can't make it", "no puedo hoy": the writer does not take the offer. */
const NOT_TAKEN: readonly RegExp[] = [
  /^(?:(?:no|sorry|thanks|thank you|hi|amy|i|we|am|are|is|was|its|it|but|really|just|this|that|one|unfortunately) )*(?:not|no longer) (?:really |currently |even |at all )?(?:interested|available|today|tonight|tomorrow|now|this (?:time|one|week|month|lead)|for me|right now|working|free|able|taking|accepting|looking|doing|in (?:the )?\w+(?: today| tonight)?$|at (?:this|the) (?:time|moment)|my (?:area|thing)|going to|worth it|anymore|any more|a (?:good )?fit|near)\b/,
  /^(?:(?:sorry|thanks|thank you|hi|unfortunately|i|we|but|really|just|honestly) )*(?:cant|couldnt|wont|unable to|not able to)(?: (?:really|today|tonight|tomorrow|be able to))*(?: (?:do|make|take|come|accept|go|help|attend|work)(?: (?:it|this|that|one|this one|on|today|tonight|tomorrow|right now|now|this (?:time|week|lead)|the (?:lead|job|client)|any|more|new|clients|leads|at|in)\b.*)?)?(?: (?:sorry|thanks|thank you))*$/,
  /^(?:(?:sorry|no|thanks|i|we|really|just) )*(?:dont|didnt) (?:really )?(?:want|need|like|take|do|think so)(?: (?:it|this|that|one|(?:the|this|that) lead|any|to(?: (?:buy|unlock|pay|take|do)(?: for (?:it|this))?)?|today|now|right|thanks))*$/,
  /^(?:(?:sorry|no|thanks|but|i|am|we|are|its|it|is|my|schedule|unfortunately|too|very|really|fully|already|all|currently|super|completely) )*(?:unavailable|busy|booked(?: up| solid| out)?|slammed|swamped|tied up|sick|(?:out of|outside) (?:town|state|the country|(?:the|my|our) (?:service )?(?:area|range|zone))|on vacation|wrong (?:area|city|town)|not avail|full(?: up)?|off today|(?:un|dis)interested)(?: (?:today|tonight|tomorrow|right now|rn|now|all day|this week|sorry|thanks|already|(?:un)?till? (?:next )?\w+))*$/,
  /^(?:(?:its|it|is|thats|that|way|far|just|sorry) )*too (?:far|expensive|much|late|early|pricey|short notice)\b/,
  /^(?:hard |ill |i |will |gonna |going to |have to |think i will )*(?:pass|skip)(?:ing)?(?: (?:on )?(?:this|it|that|one|today|tonight|for now|now|thanks|this time|leadid))*$/,
  /^(?:hoy|ahora|esta vez|esta|este|manana|ahorita|por ahora|mejor) no\b/,
  /^(?:(?:lo siento|disculp[ea]|perdon|hola|gracias|pero) )*(?:yo )?no (?:puedo|me interesa|estoy (?:interesad[oa]|disponible|libre)|quiero|gracias|tengo (?:tiempo|carro|espacio|disponibilidad)|trabajo|hago|hoy|ahora|esta vez|lo quiero|me sirve|es para mi|deseo)\b/,
  /^(?:(?:gracias|pero|ya|lo siento) )*(?:estoy |esta |es |queda |me queda )?(?:muy )?(?:ocupad[oa]|lejos|car[oa]|llen[oa]|enferm[oa]|de vacaciones|fuera de la ciudad)\b/,
  /^(?:negative|decline|declined|(?:i )?(?:must |have to |will )?decline(?: thanks| thank you)?|reject|rejected|no way|no can do|rechazo|rechazar|omitir|negativo|(?:yo )?paso(?: esta vez| gracias| de esta)*)$/,
  /^(?:no )?(?:maybe )?(?:next|another|some other) time(?: (?:thanks|thank you|sorry))*$|^rain ?check$|^(?:i )?(?:would )?rather not$|^i better not$/,
  /^(?:sorry )?(?:i |we )?(?:really )?dont have (?:the )?(?:time|availability)(?: (?:today|tonight|right now|for (?:this|that|it)))*$|^(?:i )?already have (?:a |another )?(?:client|job|appointment|plans?)(?: (?:then|today|tonight|that day|booked))*$/,
  /^(?:(?:no|gracias|quizas?|mejor|tal vez) )*(?:para )?(?:la proxima|otro dia|otra vez sera)(?: (?:gracias|mejor|sera))*$|^(?:tengo )?(?:la )?agenda llena$/,
];
/** "No, I'm good", as the whole text: "good", "all good, send it" and "I'm good, what time?" do not refuse. */
const GOOD =
  /^(?:(?:no|nah|thanks|thank you|but|hi|hey|hello|sorry|amy|honestly|really) )*(?:i am|we are|we have) (?:all )?good(?: (?:on this one|on this|for now|thanks|thank you|today|right now|man|bro|amy|have a (?:good|great|nice) (?:day|night|evening|one)))*$/;
/** "No, don't pass", "no, I want it": the refusal is taken back. */
const TAKEN_BACK =
  /\b(?:(?:dont|not|never|cant) (?:want to )?(?:pass|skip|decline)|i (?:do |really )?want (?:it|this|that)|i will take|i am interested)\b/;
const NOT_AN_ANSWER =
  /^(?:no )?(?:not sure|sure not)|^no (?:texts?|messages?|calls?|idea|clue|links?|details?|info\w*|address|numbers?|phone|emails?|answers?|respon[sd]\w*|repl(?:y|ies)|one (?:answer|respond|pick|call|repl|text)\w*|contact|receipt|code|signal|voicemail|se|entiendo|entendi|comprendo|recuerdo|estoy segur[oa]|hablo|puedo (?:abrir|ver|pagar|entrar|leer|encontrar))\b|^(?:el \w+ |la \w+ )?no (?:(?:me|te|le|les|nos|se|lo|la|los|las) )?(?:lleg|abr|funcion|contest|respond|deja\b|aparec|carg|par[ea]|dej|sig(?:a|an|as)\b|est[ea]n\b|di\b|recib|mand|envi|escrib|borr|quit|sa[cq]|elimin|cancel|encuentr|ha\b|han\b|hay (?:link|enlace|datos|numero))\w*|\bnot (?:sure|certain|yet|clear|working for me to pay)\b|\b(?:cant|couldnt) (?:see|open|find|pay|read|understand|access|load|stop)\b/;

function isDecline(words: readonly string[], clauses: readonly string[]): boolean {
  const [first, last] = [words[0] ?? '', words.at(-1) ?? ''];
  const line = clauses.join(' ');
  if (TAKEN_BACK.test(line) || HESITATES.test(line) || clauses.some((clause) => NOT_AN_ANSWER.test(clause))) {
    return false;
  }
  if (words.some((word) => DECLINE_SURE.has(word))) return true;
  if (clauses.some((clause) => NOT_TAKEN.some((pattern) => pattern.test(clause)))) return true;
  if (GOOD.test(line) || DECLINE_EDGE.has(first)) return true;
  return DECLINE_EDGE.has(last) && !DENIALS.has(words.at(-2) ?? '') && words.at(-2) !== 'or';
}
