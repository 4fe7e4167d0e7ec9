/**
 * What makes a yes less than an acceptance. A yes only asks for the pay link, but a
 * text that only talks about saying yes, or attaches a condition to it, gets a question back instead.
 */

/** "He said yes", "if I reply YES", "do I say yes": words about a yes. "I say yes" is one. */
const REPORTED =
  /\b(?:say|says|said|saying|reply|replied|replying|respond|responded|answer|answered|text|texted|type|typed|press|pressed|put|hit|sent|send|means?|for) (?:the word )?(?:a )?(?:yes|y|si|ok)\b|\byes means\b/;
const SAYS_IT =
  /^(?:so |well |ok )*(?:i|we) (?:say|said|reply|replied|already said|already replied) (?:yes|y|si)$/;
const BY_MISTAKE =
  /\b(?:(?:by|on|per) (?:accident|mistake|error)|accident(?:al)?ly|mistakenly|oops|wrong (?:button|chat|person)|por (?:error|accidente|equivocacion)|sin querer)\b/;

/** "Yes, if it is not far", "only if", "as long as". "Even if" takes the condition away. */
const CONDITION =
  /(?<!\beven )\bif\b(?! (?:possible|still|its still|available)\b)|\b(?:unless|provided|depend\w*|as long as|assuming|in case|whether|solo si|siempre que|con tal|a menos|depende)\b/;
/** "Yes but tomorrow", "sí pero mañana": another offer than the one that was made. */
const OTHER_TERMS =
  /\b(?:but|pero) (?:not|no|first|only if|tomorrow|later|next|another|different|(?:on )?(?:sun|mon|tues|wednes|thurs|fri|satur)day|how|what|when|who|where|which|why|(?:is|are|can|could|do|does|will|would) (?:i|we|you|they|he|she|it|this|that|the)|i (?:cant|dont|wont|need to know)|manana|luego|despues|otro|cuanto|cuando|quien|donde|que|hoy no)\b/;
/** Not yet, or not now. */
const WAITS =
  /^(?:(?:yes|ok|okay|sure|si) )*(?:wait|hold|one (?:sec|second|moment|minute)|(?:i )?(?:am )?busy|espera\w*|un momento)\b/;
/** A person who picks up: "Yes, this is Joe", "sí, dígame", "yes, speaking". */
const PICKS_UP =
  /^(?:hi |hello |hola )?(?:yes|yeah|si) (?:(?:hi|hello) ?$|this is\b|its (?:me|him|her)\b|speaking\b|who\b|quien\b|(?:how|what) (?:can|may|could|do you)\b|diga\w*|mande$|bueno$|a sus ordenes)/;

/** A question that the pay link answers. */
const ABOUT_PAYING =
  /\b(?:pay|price|cost|much|link|unlock|address|number|phone|info\w*|details|contact|her|him|cuanto|pago|pagar|enlace|datos|direccion|numero)\b/;
const PAYS_OTHERWISE = /\b(?:free|cash|later|after|refund|gratis|efectivo|despues|luego)\b/;
const ASKS =
  /\b(?:who|whos|what|whats|when|whens|where|wheres|which|why|how|quien|que|cuando|donde|cual|cuanto)\b|^(?:is|are|can|could|do|does|did|will|would)\b/;

const NO_QUESTION = /^(?:why not|claro que si|supuesto que si|that|which is)\b/;

/** What follows "si" when it means yes; before other words it means "if". An accent or a comma decides. */
const SI_YES =
  /^si(?:$| (?:si|claro|por supuesto|por favor|gracias|senor\w*|ok|okay|yes|y|dale|adelante|como no|de acuerdo|esta bien|con (?:mucho )?gusto|muchas|hay disponibilidad|(?:me )?(?:interesa|gustaria|encanta|encantaria)|(?:yo |ya |lo |la |los |las |te )*(?!lo\b|como\b|solo\b|luego\b|otro\b|acaso\b|tengo que\b)\w{3,}o\b|soy|voy|estoy|estamos|podemos|queremos|hacemos|aceptamos|para|hoy|manana|ahora|ahorita|esta noche|a las|mand[ae]\w*|envi[ae]\w*|desbloque\w*|please|pls|thanks|leadid|perfecto|listo|pero)\b)/;
/** "Y" before a Spanish word means "and". */
const Y_AND =
  /^y (?:luego|entonces|despues|ahora|ya|eso|ese|esa|esto|este|esta|el|la|los|las|lo|un|una|en|de|del|a|al|por que|para|con|si|no|que|tu|su|sus|yo|usted\w*|mi|es|hay|cuando|cuanto|donde|quien|como)\b/;

/** Whether a text with a yes in it is about another yes, or attaches terms to it. */
export function isQualified(text: string, clauses: readonly string[]): boolean {
  const line = clauses.join(' ');
  if (SAYS_IT.test(line)) return false;
  const accented = !/(?<!\p{L})si(?!\p{L})/iu.test(text.normalize('NFC'));
  if (
    clauses.some(
      (clause) => (/^si\b/.test(clause) && !accented && !SI_YES.test(clause)) || Y_AND.test(clause),
    )
  ) {
    return true;
  }
  return (
    [REPORTED, BY_MISTAKE, CONDITION, OTHER_TERMS, WAITS, PICKS_UP].some((pattern) => pattern.test(line)) ||
    asksFirst(clauses)
  );
}

/** "Yes, is it free?", "ok, who is this": answered before anything is sold, unless the pay link is the answer. */
function asksFirst(clauses: readonly string[]): boolean {
  const asked = clauses
    .map((clause) => clause.replace(/^(?:(?:yes|yeah|yep|sure|ok|okay|y|si) )+/, ''))
    .filter((clause) => !NO_QUESTION.test(clause) && ASKS.test(clause.split(' ').slice(0, 2).join(' ')));
  return asked.some((clause) => !ABOUT_PAYING.test(clause) || PAYS_OTHERWISE.test(clause));
}

/** Acceptances without a yes, each the whole text: "I'll take it", "interested", "send me the link", "lo quiero". */
const ACCEPTS: readonly RegExp[] = [
  /^(?:(?:i am|im|am|we are|were|very|still) )*interested(?: in (?:this|it|this one|that one|this lead|the lead|this job|leadid))?$/,
  /^(?:i|ill|i will|we will|id|i would|i can|we can|we) (?:like to |love to |gladly |definitely )?(?:take|buy|want|unlock|accept|claim|grab) (?:it|this|that|this one|that one|the lead|this lead|that lead|one|the job|this job)(?: now| today)?$/,
  /^(?:i (?:want|would like|want to|would like to) )?(?:unlock|accept|accepted|claim|buy)(?: (?:it|this|this one|this lead|the lead|now|the contact|contact|details))*$/,
  /^(?:definitely|absolutely|certainly|of course|for sure|affirmative|(?:i )?accept|count me in|(?:i am|im) (?:in|down)|lets do it|do it)$/,
  /^(?:i would|id) love to$|^(?:i )?(?:ill|will) pay(?: (?:it|for it|for this|the \$?20|20))?$/,
  /^(?:(?:send|text|give)(?: me)? )?(?:the |a )?(?:payment |pay )?link(?: now)?$|^send (?:it|it over|it to me|me the (?:details|info|contact))$/,
  /^(?:si )?(?:me interesa|estoy interesad[oa]|(?:yo )?l[oa] (?:quiero|tomo|agarro|compro|acepto)|acept[oa]|aceptar|aceptad[oa]|(?:por )?supuesto|claro|de acuerdo|dale(?: pues)?|esta bien|vale)$/,
  /^(?:quiero (?:este|ese|el lead|este lead|desbloquear(?:l[oa])?)|desbloque(?:ar|al[oa]|o)|(?:mand|envi)[ae](?:me|melo|lo)?(?: (?:el|los))?(?: (?:link|enlace|datos))?)$/,
];

/** `line` are the words of the text without courtesies and signs. */
export const acceptsInOtherWords = (line: string): boolean => ACCEPTS.some((pattern) => pattern.test(line));
