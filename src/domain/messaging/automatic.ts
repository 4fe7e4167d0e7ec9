import { plainForm } from './look-alikes.ts';

/** What a machine wrote or repeated: it is not an answer of the person, and a text that answers it may start a loop. */

const WORD =
  '["“‘\'*]?(?:stop|stopall|end|cancel|unsubscribe|quit|y|yes|n|no|help|start|unstop|alto|baja|parar|cancelar|si|sí|arret|optout)["”’\'*]?';
const TELL =
  '(?:reply|respond|text|txt|send|type|answer|responda|responde|responder|envi[eaé]|enviar|conteste|contesta|mande|manda)';
/** "Reply STOP to opt out", "to unsubscribe, text STOP", "STOP para no recibir más". */
const INSTRUCTIONS: readonly RegExp[] = [
  new RegExp(
    `\\b(?:to|para) (?:stop|opt[- ]?out|unsubscribe|end|cancel|quit|no recibir|cancelar|darse de baja)[^.!?\\n]{0,60}?\\b${TELL} (?:with |back )?(?:the word |con |la palabra )?${WORD}`,
    'giu',
  ),
  new RegExp(
    `\\b${TELL}(?: us)?(?: back)?(?: with| con)?(?: the word| la palabra)? ${WORD}(?: (?:to|for|para|or|si desea|a)\\b[^.!?\\n,]{0,60}| =[^.,\\n]{1,30}| at any ?time| en cualquier momento)`,
    'giu',
  ),
  /\bstop (?:to (?:opt[- ]?out|end|cancel|unsubscribe|quit|stop)|para (?:no recibir|cancelar|salir|terminar|darse de baja))[^.!?\n,]{0,30}/giu,
  /\b(?:n to skip|no para omitir|help for help|help para ayuda|help 4 info|(?<=.{20})stop2end)\b/giu,
  // The second word of "reply YES to confirm or NO to cancel".
  new RegExp(
    `\\b(?:or|o|and|y|,) ${WORD} (?:to|for|para) (?:confirm|cancel|reschedule|stop|opt|decline|skip|end|unsubscribe|cancelar|confirmar|omitir)\\b[^.!?\\n,]{0,40}`,
    'giu',
  ),
  /\breply y with (?:its|a) lead number\b/giu,
];

const CONFIRMED =
  /\byou(?:['’]ve|['’]re| have| are| were| will)? (?:successfully )?(?:(?:been |now )?(?:re-?)?(?:un)?subscribed|opted out and will|been (?:removed|opted[- ]out)|not receive any more messages)[^.!?\n]{0,80}|\bno (?:further|more) (?:messages|texts) will be sent[^.!?\n]{0,60}|(?:ha sido|usted ha sido) (?:dado de baja|eliminad[oa])[^.!?\n]{0,60}|\bno recibir[aá] m[aá]s mensajes\b/giu;

/** The text without instructions and confirmations, which machines write and phones quote. Null when there is none. */
export function withoutInstructions(text: string): string | null {
  const rest = [...INSTRUCTIONS, CONFIRMED].reduce((left, pattern) => left.replace(pattern, ' '), text);
  return rest === text ? null : rest;
}

/** Sentences of autoresponders, voice mail, delivery services and unattended numbers. */
const MACHINE: readonly RegExp[] = [
  /^\W*\[?auto\b\]?:?|^\W*(?:free msg|error:|unsupported message)|\bmessage blocking is active\b/,
  /\b(?:person|party|number|customer|subscriber|numero|persona) (?:you are (?:trying to reach|calling)|que (?:marco|usted marco|llama))\b.{0,30}\b(?:not|no)\b/,
  /\b(?:auto(?:mat(?:ed|ic))?[- ]?(?:reply|response|responder|message|text|answer)|automatically generated|this is an automated|respuesta automatica|mensaje automatico|contestador)\b/,
  /\b(?:out of (?:the )?office|fuera de (?:la )?oficina|ooo until|on (?:annual |parental |maternity )?leave until|away from (?:my|the) (?:phone|desk))\b/,
  /\b(?:(?:do not disturb|driving focus|focus|sleep mode)(?: is| was)? (?:turned |switched )?on|not receiving notifications|notifications (?:are )?(?:silenced|turned off)|sent from my car)\b/,
  /\b(?:i am|im|estoy|currently|i’m) (?:currently |now )?(?:driving|conduciendo|manejando)\b/,
  /\b(?:i ?will|ill|i’ll|we ?will|well|will) (?:see your message|(?:get|be) back (?:to|with) you|call you (?:back|later|soon)|reply (?:as soon|when|later|shortly)|respond (?:as soon|when|later|shortly|to)|text you (?:back|later)|return your|contact you|be in touch|be with you)\b/,
  /\b(?:someone|an? (?:agent|associate|advisor|specialist|member|representative|team member)|our team)\b.{0,40}\b(?:will|shall)\b.{0,30}\b(?:contact|reply|respond|touch|back)/,
  /\b(?:you have|youve|you’ve) reached\b|\bha llamado a\b|\bse ha comunicado con\b/,
  /\b(?:this|the|your) (?:number|line|mailbox|inbox|phone|phone number|service|recipient|person|customer|wireless customer|subscriber)(?: you \w+(?: \w+)?)? (?:does ?n[o’']?t|is ?n[o’']?t|can ?n?o?t|cannot|is no longer|no longer|is not|has been|is currently|is unable|cant)\b/,
  /\b(?:este|el) (?:numero|telefono|buzon|servicio)(?: \w+)? (?:no (?:acepta|recibe|esta|existe|puede|admite)|ya no|esta (?:fuera|desconectado|suspendido))\b/,
  /\b(?:unmonitored|not monitored|no-?reply|do not reply|please do not respond|undeliverable|(?:could|can) ?not be (?:delivered|sent)|mail delivery (?:sub)?system|not (?:be )?delivered|delivery (?:failed|failure|status)|message (?:blocked|failed|rejected)|unable to (?:deliver|receive)|not (?:currently )?in service|cannot receive|does not accept|doesnt accept|only accepts)\b/,
  /\b(?:office|business|store|opening) hours\b|\bhorario de atencion\b|\bwe (?:are|re) (?:currently )?closed\b(?! (?:that|on|this|then|those|sundays?|mondays?)\b)|\bsorry (?:we|i) missed your (?:call|message|text)\b|\bwe missed your call\b|\b(?:estamos|nos encontramos) cerrados\b/,
  /\b(?:le|te|les|lo|la) (?:respondere\w*|contactare\w*|contestare\w*|llamare\w*|atendere\w*|responderemos|respondo|contesto|llamo|devuelvo)\b/,
  /\b(?:cant|can not|cannot|can’t|no puedo) (?:talk|speak|answer|take your call|come to the phone|hablar|contestar|atender|responder)(?: (?:right )?now| ahora| en este momento| the phone)/,
  /\b(?:your|su|tu) (?:message|request|ticket|order|package|parcel|delivery|shipment|appointment|booking|code|pedido|paquete|envio|mensaje|solicitud|cita|codigo)\b.{0,40}\b(?:has been|was|is|will be|ha sido|fue|esta|es|llegara)\b/,
  /\b(?:verification|security|confirmation|one-time) code\b|\bcodigo de verificacion\b|\btracking (?:number|link)\b|\bticket (?:#|number|no)\b|\bcase (?:#|number)\b/,
  /\bwe(?: have|ve|’ve)? (?:received|got) your\b|\bhemos recibido su\b|\brecibimos su\b|\bi (?:have )?(?:received|got) your (?:message|text) and\b/,
  /\b(?:if this is (?:urgent|an emergency)|for emergencies|en caso de emergencia|si es urgente|in case of emergency)\b/,
  /\b(?:press|dial|marque|oprima) (?:\d|one|two|uno)\b|\bleave (?:a|your) (?:message|name)\b.{0,30}\b(?:beep|tone|number)\b|\bdeje (?:su|un) mensaje\b/,
  /\bcurrently (?:unavailable|away|out|closed|busy|offline)\b|\bat the moment\b.{0,30}\bunavailable\b|\bi am (?:in a meeting|on vacation|on holiday|away until|with a client)\b.{0,60}\b(?:will|soon|later|when|until)\b/,
];

/** Thanks for a text. A person who begins with yes may thank, too. */
const THANKS: readonly RegExp[] = [
  /\b(?:thanks|thank you|thx) for (?:contacting|reaching out|your (?:message|text|call|inquiry|interest|patience|order|email)|texting|calling|messaging|getting in touch|writing|choosing)\b/,
  /\bgracias por (?:contactar\w*|comunicarse|su (?:mensaje|llamada|interes)|tu mensaje|escribir\w*|llamar\w*|escribirnos)\b/,
];
const BEGINS_WITH_YES = /^[^\p{L}\p{N}]*(?:y|yes|yeah|yep|sure|si|ok|okay)\b/u;

export function isAutomatic(text: string): boolean {
  const line = plainForm(text)
    .replace(/['‘’`´]/g, '')
    .replace(/\s+/gu, ' ')
    .trim();
  const found = (patterns: readonly RegExp[]) => patterns.some((pattern) => pattern.test(line));
  return found(MACHINE) || (found(THANKS) && !BEGINS_WITH_YES.test(line));
}
