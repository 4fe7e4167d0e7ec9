import { differences } from './sentences.ts';

/**
 * Whether a clause tells us to stop. STOP is also an ordinary verb and noun, so its subject and its object decide: "I can
 * stop by tonight", "I can't stop working", "the bus stop" are about the writer's day; "can you stop texting me" and a
 * bare "stop" are about our texts. What the rules do not know counts as a command, because a missed opt-out breaks the
 * law and a false one costs a confirmation text.
 */
export function tellsToStop(clause: string): boolean {
  const words = misspelledStop(clause.split(' '));
  return words.some(
    (word, at) =>
      word === 'stop' &&
      isCommand(words.slice(Math.max(0, at - NEAR), at).join(' '), words.slice(at + 1, at + NEAR).join(' ')),
  );
}

/** Words before and after the verb that can belong to it. */
const NEAR = 14;

const COMM_NOUNS =
  'texts?|messages?|sms|mms|spam|alerts?|notifications?|ads?|promos?|promotions?|marketing|calls|emails?|' +
  'communications?|updates|reminders|solicitations?|junk|blasts?|bots?|robots?|service|subscription|leads|offers|' +
  'inquiries|crap|bs|shit|bullshit|harassment|nonsense|madness|contact|stuff|things?';
const COMM_GERUNDS =
  'texting|messaging|sending|contacting|calling|bothering|spamming|harassing|annoying|emailing|mailing|bugging|' +
  'pestering|smsing|soliciting|writing|hitting|blowing|reaching|notifying|dming|pinging|advertising|marketing|' +
  'stalking|using|sharing|selling|receiving|getting|communicating|disturbing';
const US = '(?:me|us|my|this number|here)';
/** Words that say nothing of who stops what. */
const FILLERS =
  'it|this|that|these|those|them|all|everything|now|please|already|immediately|asap|today|right|thanks|thank|you|ok|' +
  'okay|yes|no|man|bro|dude|sir|maam|lol|amy|again|forever|permanently|completely|entirely|the|your|any|more|fucking|damn';

const re = (source: string) => new RegExp(source);

const ABOUT_TEXTS = re(
  `^(?:with |from )?(?:(?:all|any|the|your|my|these|those|this|that|of|such|more|fucking|damn|stupid|annoying) )*(?:${COMM_NOUNS}|${COMM_GERUNDS})\\b`,
);
/** "Stop annoying me", whatever is done to the writer. */
const ABOUT_US = re(`${US}\\b`);
const DONE_TO_ME = re(`^\\w+ing (?:\\w+ ){0,2}?${US}\\b`);
const OTHER_GERUND = /^(?!(?:everything|anything|nothing|during|morning|evening|king|thing)\b)\w{2,}ing\b/;
const FILLED = re(`^(?:(?:${FILLERS})(?: |$))*$`);

/** "Stop by", "stop at", "stop for lunch", "stop and think": going somewhere, or pausing. */
const ON_THE_WAY =
  /^(?:(?:right )?(?:by|in|over|off|at|for|there|here|on|near|around|through|to|and|along|into|up|outside|from|a)|after|before|between|every|until|till)\b/;
const NOT_ON_THE_WAY =
  /^(?:at (?:once|(?:this|the) (?:time|moment|point))|in (?:the )?future|for (?:good|ever|now|real|gods?|the love|all|fucks?)|on (?:this|my|the|your) (?:\w+ )?(?:number|phone|list|line)|to (?:this|my) (?:number|phone)|to (?:all|any|the|these|those|your) (?:texts|messages|alerts)\b|to (?:send|text|message|call|contact|write|bother)\b|and (?:remove|delete|unsubscribe|cancel|take|lose|leave|dont|never|quit|block|desist|stop|forget)\b|and (?:you|yall|they|i am still|i keep)\b|here and now)/;
const ORDINARY_OBJECT =
  /^(?:(?:the|a|an|my|this|that|his|her|your) )?(?:bus|car|cars|train|truck|clock|music|traffic|bleeding|pain|treatment|session|massage|appointment|work|job|show|timer|watch|water|leak|sign|signs|light|lights|loss|motion|gap|press(?:es)?)\b/;

/** "Bus stop", "my last stop", "at the Lincoln stop". */
const NOUN =
  /(?:^|\b)(?:a|an|the|my|his|her|our|their|your|next|last|first|second|third|final|one|two|three|each|every|another|bus|train|truck|pit|rest|gas|tour|metro|subway|full|door|short|quick|whistle|non|shuttle|taxi|which|what|any|one more|at|from|near|past|at (?:the|my|a|his|her) (?:\w+ ){1,3})$/;
const STOP_REQUEST = /^(?:request|list|command|keyword|word|order|message|text)\b/;
const AT_ONCE = /^(?:after|before|between|every|until|till|here|from)\b/;
/** What follows these words has its own subject. */
const NEW_SENTENCE = /\b(?:and|but|so|because|then|or|please|since|pero|ok|okay|yes)\b/;

const NEGATIONS =
  'dont|never|not|cant|wont|didnt|doesnt|couldnt|wouldnt|shouldnt|mustnt|non|havent|hasnt|isnt|arent|without|nor|neednt|aint|no need|no reason';
/** A negation that reaches the verb: "don't ever stop", "can't get him to stop"; not "not interested, stop". */
const NEGATED = re(
  `\\b(?:${NEGATIONS})(?: (?:ever|you|really|just|even|going|able|want|need|have|like|try|plan|ask|asked|say|said|saying|tell|told|mean|let|make|it|him|her|them|us|to|be|allowed|about|get|know|how|when|where|if|i))*$`,
);
/** "I don't want it stop", "I don't know stop": the negated verb has its object, and STOP is a sentence of its own. */
const NEGATES_ANOTHER = /\b(?:want|need|like|have|know)(?: (?:it|you|him|her|them|us))?$/;
/** "Why don't you stop", "can't you stop", "if you don't stop", "you never stop", "if these don't stop". */
const DEMANDED =
  /\b(?:(?:cant|wont|couldnt|wouldnt|why (?:dont|wont|cant|not)|arent) (?:you|this|these|it|they)\b|why not$|(?:if|unless|since|because|why|that) (?:you|this|these|it|they|the texts|texts|messages)\b|you (?:just |still |guys |people )?(?:dont|wont|never|havent|didnt)$|how (?:to|do i|can i|do we)\b|(?:didnt|havent|did|have) i\b)/;

const AUX =
  'will|would|can|could|should|may|might|must|do|does|did|am|is|are|was|going|have|has|had|to|need|needs|want|wants|like|' +
  'love|about|able|planning|plan|try|trying|hope|hoping|get|got|used|rather|always|usually|often|sometimes|also|only|just|' +
  'really|even|still|definitely|probably|maybe|soon|then|normally|generally|gladly|happily|not|be|say|says|said|never';
const OTHERS_STOP = re(
  `(?:^|\\b)(?:(?:i|we|he|she|they|who|it|this|that|someone|client|customer|husband|wife|boss|everyone|kids|bus|train|rain|\\w+s) (?:(?:${AUX}) )*|(?:will|would|can|could|should|may|might|does|did) (?:(?:${AUX}) )*|(?:told|asked|made|let|tell|ask|makes|help|helped|helps|get|got) (?:me|him|her|them|us|my \\w+|the \\w+) (?:to )?|(?:place|spot|somewhere|time|chance|where) to )$`,
);
const WE_ARE_TOLD = re(
  `\\b(?:you|you guys|you people)(?: (?!(?:i|we|he|she|they)\\b)\\w+){0,3}$|` +
    `\\b(?:it|this|that|these|those|they|everything|all|${COMM_NOUNS})(?: \\w+)? (?:has|have|needs?|must|should|better|got|ought)(?: to)?$|\\bwish\\b.* would$|` +
    `\\b(?:make|let|want|need|like|get|have)(?: (?:all|the|your|these|those|this|that|it|them|everything|${COMM_NOUNS}))+(?: to)?$`,
);
/** "I said stop", "my answer is stop". */
const QUOTES_STOP =
  /\b(?:(?:say|said|saying|reply|replied|replying|text|texted|texting|type|typed|typing|send|sent|sending|wrote|write|told you|asked you|mean|means)(?: (?:you|to|the word))*|(?:answer|reply|response|message|word|it|this) is)$/;
const BY_ANOTHER = /\b(?:he|she|they|who|boss|client|customer)\b|\b(?:if|when|should|can) i\b|^what\b/;
/** "I want to stop", "how do I stop": about the texts unless another object follows. */
const WANTS_TO = re(
  `\\b(?:(?:want|like|wish|need|trying|prefer|ready|way|how|request|requesting|ask|asking)(?: \\w+)? to|how (?:do|can) (?:i|we|you)|lets)$`,
);
const SCHEDULE = /^(?:what time|when (?!(?:are|will) you)|where|how late|how often|which|what)\b/;

/** "Why did you stop sending me leads?" */
const IN_THE_PAST = /\b(?:did|have|has|had) (?:you|yall|they|it|the \w+|my \w+)(?: guys| people)?$/;
/** "I have to pull over and stop": one person does both. */
const BOTH_DONE = /^(?:i|we|he|she|they|my \w+)\b.* and$/;

function isCommand(before: string, after: string): boolean {
  // "Tired of this stop": what it is about, not who stops.
  const left = before
    .split(NEW_SENTENCE)
    .at(-1)!
    .replace(/\b(?:of|with|about) (?:this|it|that|these)$/, '')
    .trim();
  const aboutTexts = ABOUT_TEXTS.test(after) || DONE_TO_ME.test(after);
  const demanded = DEMANDED.test(left);
  if (!demanded && NEGATED.test(left) && !NEGATES_ANOTHER.test(left)) return false;
  if (IN_THE_PAST.test(left)) return false;
  if (aboutTexts) {
    return ABOUT_US.test(after) || demanded || WANTS_TO.test(left) || !OTHERS_STOP.test(`${left} `);
  }
  if (NOUN.test(left) || NOUN.test(`${left} `)) return STOP_REQUEST.test(after);
  if (ON_THE_WAY.test(after) && !NOT_ON_THE_WAY.test(after)) return left === '' && AT_ONCE.test(after);
  if (ORDINARY_OBJECT.test(after) || BOTH_DONE.test(before)) return false;
  if (OTHER_GERUND.test(after)) return left === '';
  const bare = FILLED.test(after) || NOT_ON_THE_WAY.test(after);
  if (WANTS_TO.test(left)) return bare;
  if (WE_ARE_TOLD.test(left)) return demanded || !SCHEDULE.test(left);
  if (QUOTES_STOP.test(left)) return !BY_ANOTHER.test(left);
  if (demanded) return true;
  if (OTHERS_STOP.test(`${left} `)) return false;
  return bare || left.split(' ').length <= 4;
}

/** Real words one letter away from STOP. */
const REAL_WORDS = new Set(
  'top shop step slop atop stoop stomp strop stow sop stock soup spot store story'.split(' '),
);
const TEXTING = re(`^(?:${COMM_GERUNDS}|texts|messages)$`);

const COURTESIES =
  /^(?:please|now|thanks|thank|you|me|ok|okay|y|yes|si|no|hi|hello|hey|por|favor|gracias|ya|hola)$/;

/** "Stpo", "stopp texting me": read as STOP where nothing else stands in the clause, or where a word of texting follows. */
function misspelledStop(words: readonly string[]): string[] {
  const alone = words.filter((word) => !COURTESIES.test(word)).length === 1;
  return words.map((word, at) => {
    const close = word.length >= 3 && word.length <= 6 && !REAL_WORDS.has(word);
    const placed = alone || TEXTING.test(words[at + 1] ?? '');
    return close && placed && word !== 'stop' && differences(word, 'stop') <= 1 ? 'stop' : word;
  });
}
