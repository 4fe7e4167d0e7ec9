import { revokesInSpanish } from './revocation-es.ts';
import { clausesOf, clausesWithoutDigits } from './sentences.ts';
import { tellsToStop } from './stop-verb.ts';

/**
 * Whether a text revokes the consent to be texted. `near`: a word of revocation that may concern the offer instead
 * ("ok cancel"), or a wish with a limit ("no texts before 9"): never an acceptance, and never an opt-out by itself.
 */
export type Revocation = 'stop' | 'near' | 'none';

export function revocationIn(text: string): Revocation {
  const read = clausesOf(text);
  const withoutDigits = clausesWithoutDigits(text);
  const found = judge(read);
  // Most texts have the same words in both readings.
  return isSame(read, withoutDigits) ? found : worse(found, judge(withoutDigits));
}

const isSame = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((clause, at) => clause === other[at]);

function judge(clauses: readonly string[]): Revocation {
  if (isSpelledApart(clauses)) return 'stop';
  const texted = clauses.some((clause) => TEXTS_WANTED.test(clause));
  const found = clauses.map((clause) => {
    const answer = ofClause(clause, texted);
    const rest = clause.replace(AFFIRMED, '');
    return answer === 'stop' || rest === clause ? answer : worse(answer, ofClause(rest, texted));
  });
  if (found.includes('stop')) return 'stop';
  const says = (pattern: RegExp) => clauses.some((clause) => pattern.test(clause));
  const line = clauses.join(' ');
  if ((AGAIN.test(line) && THREAT.test(line)) || (says(NUMBER) && says(REMOVES_IT))) return 'stop';
  const bare = clauses.filter(isBareKeyword);
  if (bare.length > 0) {
    const yes = says(YES);
    if (!yes || says(/\b(?:please|por favor|my|all|subscription|mi|todos?|todas?|suscripcion)\b/))
      return 'stop';
    return 'near';
  }
  return found.includes('near') ? 'near' : 'none';
}

/** "Text me again and I'll report you", "si me siguen escribiendo los reporto": both parts, in either order. */
const AGAIN =
  /\b(?:text|message|contact|call|write)(?:ing)? (?:to )?(?:me|us|this number|here) (?:again|one more|any more|ever)\b|\b(?:any|one more|next|another|further) (?:\w+ )?(?:texts?|messages?|contact)\b|\bkeep (?:texting|messaging|sending|calling|contacting)\b|\b(?:siguen?|sigues|vuelven?|vuelves?) (?:a )?(?:escrib|mand|envi|molest|llam|contact)|\b(?:otro|un) (?:mensaje|texto) mas\b|\botro (?:mensaje|texto)\b/;
const THREAT =
  /\b(?:report (?:you|this|it|as spam)|reported to|reporting you|sue|suing|(?:call|calling|contact|contacting) (?:the |my |a )?(?:police|cops|lawyer|attorney)|my (?:lawyer|attorney)|fcc|ftc|legal action|press charges)\b|\b(?:l[oe]s|te|l[oa]) (?:voy a |vamos a )?(?:report|demand|denunci|bloque)\w*|\b(?:a la policia|mi abogad[oa])\b/;
/** "This is no longer Amy's number. Please remove it." */
const NUMBER =
  /\b(?:this|my|wrong|este|mi)\b.{0,25}\b(?:number|phone|numero|telefono)\b|\b(?:numero equivocado|equivoco de numero)\b/;
const REMOVES_IT =
  /^(?:please |kindly |just |so |por favor |favor de )*(?:(?:remove|delete|erase|lose|drop) it|(?:borr|elimin|quit|saqu)[aeo]\w*l[oa])(?: please| now| thanks| por favor)*$/;

const worse = (one: Revocation, other: Revocation): Revocation =>
  one === 'stop' || other === 'stop' ? 'stop' : one === 'near' ? one : other;

function ofClause(clause: string, texted: boolean): Revocation {
  if (tellsToStop(clause)) return 'stop';
  if (IDLE.test(clause)) return 'none';
  const limited = LIMITED.test(clause) && !FOR_EVER.test(clause);
  const limits = limited || (texted && /\b(?:call|calling|calls|email|emails)\b/.test(clause));
  for (const phrase of PHRASES) {
    const match = phrase.exec(clause);
    if (!match) continue;
    const left = clause.slice(0, match.index).trim();
    if (negated(left)) continue;
    const others =
      (ONE_OFFER.test(clause) && !/unsub|opt/.test(match[0])) ||
      CHECKS.test(left) ||
      (OTHERS.test(left) &&
        !/\b(?:me|us|my|this)\b/.test(match[0]) &&
        !/\bthis (?:number|phone)\b/.test(left));
    // "Remove me right now" is urgent; "no more texts tonight" is a limit.
    const until = /^no\b/.test(match[0]) ? limits : UNTIL.test(clause);
    return until || others ? 'near' : 'stop';
  }
  for (const phrase of REFUSALS) {
    const match = phrase.exec(clause);
    if (!match) continue;
    return limits || !ADDRESSED.test(clause.slice(0, match.index).trim()) ? 'near' : 'stop';
  }
  if (revokesInSpanish(clause)) {
    const until = /\b(?:no|nunca|ni)\b/.test(clause) ? limited : UNTIL.test(clause);
    return until || (texted && /\bllam/.test(clause)) ? 'near' : 'stop';
  }
  return NEAR.test(clause) && !ORDINARY.test(clause) ? 'near' : 'none';
}

/** "Don't call me, text me." */
const TEXTS_WANTED =
  /^(?!.*\b(?:dont|never|not|no more|stop|cant)\b).*\b(?:text me|just text|text only|by text|message me|solo (?:texto|textos|mensajes?)|por (?:texto|mensaje))\b/;

/** "ST OP", "s-t-o-p". */
const isSpelledApart = (clauses: readonly string[]): boolean =>
  /^(?:s+t+o+p+|optout)$/.test(
    clauses
      .join(' ')
      .replace(/\b(?:y|yes|ok|si|please|hi|hello|hey|thanks)\b/g, '')
      .replaceAll(' ', ''),
  );

const re = (source: string) => new RegExp(source);

const YES = /\b(?:y|yes|yeah|yep|yup|yea|ok|okay|sure|si|accept|acepto)\b/;

/** Words of carriers that are an opt-out alone, with their everyday meanings in sentences. */
const KEYWORDS =
  'stop|cancel|end|quit|revoke|remove|delete|unsubscribe|unsub|optout|exit|halt|terminate|discontinue|cease|desist|' +
  'baja|cancelar|parar|pare|paren|para|alto|detener|detenga|detengan|detente|basta|salir|eliminar|borrar|remover|quitar|' +
  'anular|cancele|cancelen|cancela|eliminen|borren|terminar|suspender|arret|arreter|erase|unfollow|dnc|deactivate|disenroll|unenroll|unregister|cancelame|cancelenme|canceleme|estop';
const AROUND =
  'me|now|all|my|these|those|the|this number|number|text|texts|texting|sms|message|messages|subscription|service|please|thanks|thank|' +
  'you|hi|hello|hey|amy|immediately|already|asap|right|ahora|ya|por|favor|gracias|mi|mis|los|las|todo|todos|mensajes|mensaje|' +
  'la|el|suscripcion|hola|esto|i|said|want|quiero|and|y|just|from|list|everything|it all|do';
const NOT_IN_SPANISH =
  /^no (?:\w+ )*(?:\w+(?:ar|er|ir)(?:me)?|quiero|deseo|baja|cancel[ea]n?|eliminen|borren|paren?|detengan?)\b/;
const BARE = re(`^(?:(?:${AROUND}) )*(?:${KEYWORDS})(?: (?:${AROUND}|${KEYWORDS}))*$`);
const AFFIRMED = /^(?:(?:y|yes|yeah|yep|yup|ok|okay|sure|si|thanks|hi|hello|hey) )+/;
const YES_FIRST = /^(?:(?:y|yes|yeah|yep|yup|ok|okay|sure|si|no|nope|nah|please|thanks|hi|hello) )+/;

function isBareKeyword(clause: string): boolean {
  // In Spanish "no" negates the verb after it; in English it is an answer: "no cancel".
  if (NOT_IN_SPANISH.test(clause)) return false;
  const core = clause.replace(YES_FIRST, '');
  return (
    BARE.test(core) &&
    !/\bleadid\b/.test(clause) &&
    !/^(?:y |and )?(?:la|the|el|mi|my) (?:end|fin|alto|baja)$/.test(core)
  );
}

const ME =
  '(?:me|us|this (?:number|phone|line|cell|contact)|(?:my |this )?(?:cell |phone |mobile )?(?:number|phone|cell|line|mobile)|my (?:name|info\\w*|contact\\w*|data|details|account|profile|email|record\\w*|everything|digits))';
const TEXTS =
  '(?:texts?|texting|messages?|messaging|sms|mms|spam|alerts?|notifications?|ads|promos?|promotions?|marketing|calls|' +
  'emails?|communications?|contact|updates|reminders|solicitations?|leads|offers|inquiries|stuff|subscriptions?|' +
  'services?|membership|enrollment|registration|program|account|acct|number|phone|plan)';
const DET =
  '(?:(?:all|any|no|these|those|this|that|the|your|my|of|more|further|future|such|stupid|annoying|damn|fucking|daily|constant|unwanted|marketing|promotional|text|lead|sms|receiving|getting) )*';
const END =
  '(?= (?:now|please|thanks|thank you|immediately|asap|right now|today|already|ok|sir|all|everything)\\b|$)';

/** Requests, unless negated. */
const PHRASES: readonly RegExp[] = [
  /\b(?:unsub|unsub?scrib\w*|unsuscrib\w*|desubscrib\w*|optout|(?:opt(?:ed|ing)?|otp|op|oppt) ?out|opt (?:me|us|my number|this number|this phone) out|unenrol\w*|unregister|deregister|stop all|unlist)\b/,
  re(`\\b(?:remove|delete|erase|exclude|purge|blacklist|unlist|removing|deleting) (?:please )?${ME}\\b`),
  /\b(?:remove|delete|drop|erase|removed|deleted|pull|take|strike) (?:\w+ ){0,3}?(?:from|off|out of) (?:\w+ ){0,2}?(?:list|lists|database|system|records|contacts|texts|messages|program|group|chat)\b/,
  re(`\\b(?:take|get|keep|leave|pull|put) ${ME} (?:off|out)\\b(?! (?:at|to|for|guard|by)\\b)`),
  re(`\\b(?:take|get) off ${ME}`),
  re(`\\b(?:remove|delete) (?:everything|all)\\b`),
  /\b(?:lose|forget|discard|dump|trash|block|scrub|wipe) (?:my|this) (?:\w+ )?(?:number|phone|digits|contact|info\w*|data)\b/,
  /\bleave (?:me|us|this number|my phone) (?:\w+ ){0,2}?(?:alone|be|out|in peace)\b|\blet me be$/,
  /\b(?:get|be|go) (?:off|out of|removed from|taken off) (?:\w+ ){0,2}?(?:list|lists|program|database|group|chat)\b|\b(?:leave|exit) (?:this|the|your) (?:list|program|group|chat|service)\b/,
  /\bi want out$|^(?:let|get) me out(?: of (?:this|here|it))?$|\bforget (?:about )?me$|(?:^|\b(?:i|we|just) )want(?:ed)? off$|\bwant off(?: of)? (?:this|the|your)\b/,
  /(?<!\bwhy )\b(?:want|need|get|have|like)\b(?: \w+){0,4} stopped\b/,
  /\b(?:my|this) (?:number|phone|name|info|information|data|contact) (?:to be )?(?:removed|deleted|erased|taken off|off)\b/,
  /\b(?:consent|permission|authorization) (?:is |has been )?(?:revoked|withdrawn|denied)\b|\brevocation of (?:my |all |any )?consent\b/,
  /^(?:(?:man|bro|dude|please|just|hey|yo|ok) )*quit it\b|^cease(?: all)? (?:contact|communications?)\b/,
  /^(?:please |just |oh |omg )*(?:go away|get lost|buzz off|bug off|piss off|fuck off|f off|eff off|screw off|shut up|stfu|fuck you)(?: now| please| already| you| asshole)*$/,
  re(
    `\\b(?:cancel|end|quit|terminate|discontinue|cease|halt|suspend|close|deactivate|disable|stop|turn off|shut off|cut off) ${DET}${TEXTS}\\b`,
  ),
  re(
    `\\b(?:cancel|quit|terminate|discontinue|cease|end) (?:everything|it all|all|all of (?:it|this|these|them))${END}`,
  ),
  re(
    `\\b(?:please|kindly) (?:just |do |go ahead and )?(?:cancel|end|quit|revoke|remove|delete|terminate|discontinue|cease|desist|halt)${END}`,
  ),
  /^(?:\w+ )?(?:cancel|end|quit|revoke|remove|delete|terminate|cease) (?:now |all |it all )?please$/,
  re(
    `\\b(?:want|like|wish|need|trying|how|ready|decided|asked|asking|request) to (?:cancel|quit|revoke|unsubscribe|be removed|be deleted|be taken off|be off)(?: (?:it|this|that))?${END}`,
  ),
  re(
    `\\b(?:how (?:do|can) (?:i|we)|(?:can|could|would|will) you)(?: please)? (?:cancel|quit|get off|get out|end)(?: (?:it|this))?${END}`,
  ),
  /\b(?:revoke|rescind|withdraw|retract)\b.{0,30}\b(?:consent|permission|authorization|approval|all|it|everything)\b/,
  /^(?:i |we )?(?:hereby )?(?:revoke|withdraw)$/,
  /\b(?:revoking|withdrawing|rescinding) (?:my |all )?(?:consent|permission|authorization)\b/,
  /\b(?:take|get) (?:my|our) (?:\w+ ){1,4}?off\b(?! (?:at|to|for|by)\b)/,
  /^(?:please |kindly )*(?:remove|delete|erase) (?:my )?(?:name|contact|info|phone|data)(?: please| now| thanks)*$/,
  /\b(?:quit|cease|discontinue|cut out|knock off) (?:the |all |with the )?(?:texting|messaging|sending|contacting|calling|bothering|spamming|harassing|annoying|emailing|soliciting)\b/,
  /\bquit \w+ing (?:me|us|my phone)\b/,
  /\brefrain from (?:texting|messaging|contacting|sending|calling|writing)\b/,
  /\b(?:rather not|prefer not to) (?:\w+ ){0,2}?(?:get|getting|receive|be texted|be contacted|be on)\b.{0,30}\b(?:texts?|messages?|these|texted|contacted|list)\b/,
  /\b(?:rather|prefer)(?: that)? you (?:didnt|not|dont|no longer) (?:text|message|contact|call|send|write)|\b(?:rather|prefer) not (?:to )?be (?:texted|contacted|messaged|called)\b/,
  /\b(?:if|wish|hope) you(?: guys| people| all)?(?: would)?(?: please)? (?:stopped|quit)\b/,
  /^(?!.*\b(?:dont|not|never|no)\b).*\b(?:i|we|my|this number)\b.*\bto be (?:removed|taken off|deleted|unsubscribed|erased)\b/,
  /\b(?:can|could|may) (?:i|we)(?: please)? (?:be|get) (?:removed|taken off|deleted|unsubscribed)\b/,
  /^(?:please |kindly |just )*end (?:this|these|those|it all)(?: now| please| already| immediately| thanks)*$|\bplease cancel (?:it|this|that|these|those)$/,
  /\b(?:never|didnt|dont|havent) (?:agreed?|asked?|signe?d? up|requeste?d?|consent(?:ed)?|subscribed?|want(?:ed)?)(?: (?:to|for|any of))* (?:these|those|your) (?:texts?|messages?|alerts|sms)\b/,
  /\boff (?:of )?(?:the|this|your|that|ur|any) (?:\w+ )?lists?\b/,
  /^(?:removal|deletion|optout|opt out|stop) request$|\brequest(?:ing|ed)? (?:for )?(?:my )?(?:removal|deletion)(?= (?:from|of (?:my|this))\b|$)|\brequest(?:ing|ed)? to be (?:removed|deleted|taken off|unsubscribed)\b/,
  /^(?:please |just )*(?:turn|shut|switch) (?:this|these|those|them)(?: \w+)? off(?: now| please)*$|^(?:please )?(?:terminate|exit|leave) (?:this|group|list|chat)$/,
  /\b(?:disconnect|disenroll|unenroll|deactivate|exclude) (?:me|us|this number|my number|my phone)\b/,
  /\b(?:i am |am |im )?blocking (?:you|this number|and reporting)\b|\b(?:and|then) (?:block|blocking)(?: you)?$|\bblock (?:me|us|this number|my number)(?: please| now| (?:from|off) .*)*$/,
  /\b(?:get|for|ask|asked|tell) (?:you|these|this) to stop(?= (?:now|please|texting|sending|messaging|contacting|calling|these|this|it|that|me)\b|$)/,
  /\b(?:(?:am|is|are|number is|phone is|be|we have been) )?on (?:the|a|your) (?:national |federal |state )?dont (?:call|contact|text) (?:list|registry|register)\b/,
  /\b(?:dont|no longer|never)(?: really| even)? (?:want|wish|care|agree) to (?:be|stay|remain) (?:a )?(?:part of|on|in) (?:this|these|your|the|that|any) ?(?:list|lists|program|service|group|texts|messages)?$|\bno longer want to be part of\b/,
  /^(?:(?:i|we|really|just|and|please|sorry|no|thanks) )*(?:dont|no longer)(?: really)? (?:want|need)(?: (?:no|any|your|more|these|those))* (?:leads|offers|inquiries|job offers)(?: (?:any more|please|thanks|thank you|from you|ever|at all))*$/,
  /^(?:please )?no (?:send|want)(?: (?:me|more|any|no))* (?:texts?|messages?|sms|leads)$|^(?:please )?no send(?: me)?(?: more| any)*$/,
  /^(?:please |just |ok )*(?:knock it off|cut it out)\b|^(?:ok |that is |thats )?enough(?: (?:texts|messages|with|of|already)\b.*)?$/,
  /\b(?:cease and desist|cease desist|desist)\b/,
  /\b(?:sick|tired|fed up|done|enough|over it|annoyed) (?:of|with|by) (?:\w+ ){0,3}?(?:texts|texting|messages|messaging|spam|getting|receiving)\b/,
  /\bno more (?:\w+ ){0,2}?(?:texts?|texting|messages?|messaging|sms|spam|alerts?|notifications?|ads|promos?|promotions?|calls|emails?|contact|of (?:this|these|those))\b/,
  // "No more jobs in Miami" chooses among them.
  /\bno more (?:\w+ ){0,2}?(?:leads|offers|inquiries|jobs)\b(?! (?:at|in|on|for|under|over|than)\b(?! (?:(?:this|my|our|the) (?:\w+ )?(?:number|phone|cell|line|mobile)|me|us|here|good|ever|(?:the )?future)\b))/,
  /^(?:please |ok |and |i said |i want )*no more(?: please| thanks| thank you| from you| ok)*$/,
  /^(?:please |ok )*no (?:texts?|texting(?: me)?|messages?|messaging|sms|spam|contact)(?: please| thanks| from you)*$/,
  /^(?:please )?(?:dont|no) (?:call|contact|text) list$|\b(?:put|add|place) (?:me|us|this number|my number) (?:on|to|in) (?:\w+ ){0,3}?(?:dont|stop|no) ?(?:call|contact|text|list)?/,
];

/** A refusal is itself negated. */
const VERBS =
  'text|texting|message|messaging|contact|contacting|call|calling|email|emailing|bother|bothering|write|writing|sms|spam|spamming|' +
  'harass|annoy|bug|disturb|reach out to|hit up|hit|notify|notifying|dm|ping|solicit|communicate with|follow up with|use|share|sell|give out';
const REFUSALS: readonly RegExp[] = [
  re(
    `\\b(?:dont|never|mustnt|maynt|shouldnt|cant|arent|not|quit)(?: (?:you|ever|please|again|dare|bother to|try to|keep|be|continue|want|need|have|allowed|authorized|permitted|to|should))* (?:(?:${VERBS}) (?:or|and|nor) )*(?:${VERBS})(?:ing)? (?:me|us|this number|this phone|my (?:phone|number|cell|info\\w*|data))\\b`,
  ),
  re(
    `^(?:.*\\b(?:number|person|please) )?(?:please |pls |just |kindly |and |also |again |i said |yo |hey )*(?:dont|never)(?: (?:ever|please|you|again))* (?:(?:text|message|contact|call|bother|write|email) (?:or|and|nor) )*(?:text|message|contact|call|bother|write|spam|email|disturb|reach out|(?:use|text|message|call|contact|write) (?:it|this|that|here)(?= (?:again|any more|ever)))(?: (?:again|any more|ever|please|anything|here|back|thanks|thank you|now))*$`,
  ),
  re(
    `\\b(?:dont|never|not|no need to)(?: (?:ever|please|you|need to|have to|keep|be))* (?:send|sending)(?: (?:me|us))?(?:(?: (?:any|more|anything|nothing|no|else|again|these|stuff|things|your|such|text|of))+(?: ${TEXTS})?| ${TEXTS})(?: (?:again|any more|please|ever|thanks|thank you|to (?:me|us|this number|my phone|my number)))*$`,
  ),
  re(
    `\\b(?:dont|no longer|not|never)(?: (?:really|even|ever|any longer))?(?: (?:want|wish|need|care for|like|interested in|agree to|accept|appreciate))(?: to (?:receive|get|have|see))? ${DET}(?:texts?|texting|messages?|messaging|sms|spam|alerts|notifications|ads|promos|promotions|emails|communications?|subscription|(?:this|your) service|calls)\\b`,
  ),
  /\b(?:dont|no longer|not|never)(?: really)? (?:want|wish|need|like|care) (?:to )?(?:get|getting|receive|receiving|see|seeing|have) (?:(?:these|those)(?: things)?(?: any more)?|(?:this|it|them|any|anything|stuff)(?: else)? any more)(?: please| thanks| from you)*$/,
  /\b(?:dont|no longer)(?: really)? (?:want|need|like) (?:(?:these|those)(?: things)?|(?:this|it|them|any|any of (?:this|these|it)) any more|any more of (?:this|these|it|your \w+)|your (?:stuff|crap|texts|leads))(?: please| thanks)*$/,
  /\b(?:dont|no longer|not|never)(?: (?:really|even|ever|any longer))?(?: (?:want|wish|need|care|like|desire|interested|agree|would like))?(?: you)?(?: (?:to|in))? (?:be|being|get|getting|keep|keep being|keep getting) (?:texted|contacted|messaged|called|bothered|spammed|emailed|notified|subscribed|solicited|disturbed|on (?:this|your|the) list)\b/,
  /\b(?:dont|no longer|not|never)(?: (?:really|even|ever))?(?: (?:want|wish|care|like|desire|interested|agree|would like)) (?:to |in )?(?:receiv(?:e|ing)|hear(?:ing)? from)(?: (?:any|more|anything|these|those|this|it|them|you|your|from|further|else|again))*(?: (?:texts?|messages?|sms|leads|offers|alerts|stuff))*(?: from (?:you|this number))?(?: any more| again| please)*$/,
  /\b(?:dont|not|never)(?: really)? want (?:you|yall|anyone|u|them) (?:to (?:be )?(?:text|message|contact|call|write|bother|send|email)(?:ing)?|texting|messaging|contacting|calling|sending)\b/,
  /\b(?:dont|didnt|never|no|not|havent|without)(?! need)(?: \w+){0,4} (?:consent|permission|authorize|authorization)\b/,
  /\bno (?:longer|further) (?:contact|text|message|texts|messages|communication)\b/,
  /\b(?:dont|not|never|cant|mustnt|maynt|neednt|no)\b(?: \w+){0,5} (?:text|message|contact|call|write|bother|email)(?: \w+){0,2} (?:me|us|this number)(?: \w+){0,2} (?:again|any more|ever)\b/,
];

/** The subject of what follows is another person. */
const OTHERS =
  /\b(?:he|she|they|clients?|customers?|guests?|patients?|husband|wife|boss|friend|lady|guy|someone|people|leads)\b/;
/** "Take me off this one" skips an offer. */
const ONE_OFFER =
  /\b(?:this|that|the) (?:one|lead|job|client|offer|appointment|order|request|inquiry)\b(?!.*\b(?:list|texts|messages)\b)/;
/** "Did you take me off?" asks what was done. */
const CHECKS = /\b(?:did|have) (?:you|they|i)(?: already| just)?$/;
/** A refusal is ours when it begins the clause, or follows words that speak to us or of the writer's own wish. */
const ADDRESSED =
  /^$|\b(?:i|we|you|yall|guys|people|please|just|kindly|and|so|to|but|or|again|hey|hi|hello|ok|okay|yes|y|no|nope|then|can|may|should|do|am|said|mind|thanks|amy|sir|maam|really|honestly|now|also|because|that|stop|interested|this)$/;

/** A wish with a limit of time does not end all texts. */
const LIMITED =
  /\b(?:before|after|until|till|unless|while|between|tonight|tomorrow|today|yet|right now|during|early|late|at (?:night|work|noon|this hour|home|this time)|on (?:sun|mon|tues|wednes|thurs|fri|satur)days?|on weekends?|this (?:week|morning|evening|afternoon|weekend)|for (?:now|a while|today|the next|this)|manana|hoy|antes|despues|hasta|esta (?:noche|semana|tarde)|por ahora)\b/;

const UNTIL = /\b(?:until|till|for (?:now|a while|the next)|hasta|por ahora)\b/;
const FOR_EVER = /\b(?:ever|again|any more|never|nunca|jamas|mas|after (?:today|this|now|that))\b/;

const REACHES =
  /\b(?:dont|never|not|cant|wont|didnt|doesnt|couldnt|wouldnt|shouldnt|mustnt|arent|isnt|havent|hasnt|neednt)(?: (?:you|ever|please|just|really|want|need|have|try|trying|plan|planning|going|intend|mean|ask|asked|like|let|to|be|get|been|him|them|even|yet|say|said|i|we))*$/;
/** "Can't you remove me", "why don't you unsubscribe me" are requests. */
const ASKED =
  /\b(?:cant|couldnt|wont|wouldnt|why dont|why havent|why arent|why didnt) (?:you|i)\b|\b(?:if|unless|until) you\b/;

const negated = (left: string): boolean => REACHES.test(left.trim()) && !ASKED.test(left);

/** Stands beside a yes: what is to be cancelled or removed is not clear. */
const NEAR =
  /\b(?:cancel\w*|cancele\w*|quit|quitting|remove|delete|deleted|revoke|unsubscri\w*|optout|opt out|wrong (?:number|person)|leave me|terminate|discontinue|borra\w*|elimina\w*|quita\w*|baja|anula\w*|suspend\w*|numero equivocado|no (?:les?|te) di mi numero|scam|spam|estafa|report you|lawyer|attorney|who gave you)\b/;
const ORDINARY = /\b(?:planta baja|mas baja|baja (?:el|la|los|las|un|una|mucho|poco))\b/;

/** Talk of cancelling that is another's, or done. */
const IDLE =
  /^(?:can|could|may) i (?:still |also |always |later )?(?:cancel|stop|unsubscribe|opt out|optout)\b.*\b(?:later|any ?time|after|whenever|if|once)\b|\b(?:was|were|been|why|am) (?:\w+ )?(?:unsubscribed?|removed|deleted|opted out)\b|^what (?:does|do(?! (?:i|we) (?:have|need) to)|is|happens)\b|^(?:(?:what|who|when|where|why|which) (?:is|are|if)\b.*\b(?:cancel\w*|refund)|(?:can|could|may|what if) i (?:still |also |later )?cancel (?:later|after|if|when|it|before)\b)/;
