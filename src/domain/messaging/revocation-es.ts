const re = (source: string) => new RegExp(source);

const MENSAJES =
  '(?:mensajes?|mensajitos|textos?|sms|notificaciones|avisos|llamadas|correos|ofertas|publicidad|promociones|anuncios|spam|' +
  // "No quiero clientes lejos" chooses among them.
  'alertas|suscripcion(?:es)?|cuenta|todo|texts?|messages?|' +
  '(?:servicios?|clientes|solicitudes)(?= (?:mas|por favor|gracias|de ustedes|suy[oa]s?|ya|nunca|(?:en|a|por|al) (?:mi|este|nuestro) (?:telefono|numero|celular|cel|movil|linea))\\b|$)|' +
  'cosas(?! (?:pesad|grand|dificil|peligros|lejos|de (?!esto|ese|estas|ustedes|su)))|informacion(?! (?:adicional|del (?:cliente|lead|trabajo))))';
const ESCRIBIR =
  '(?:(?:escrib|jod|insist)(?:a|as|an|er|ir\\w*|iendo\\w*)|(?:mand|envi|contact|llam|molest|texte|textee|mensaje|mensajee|busqu|habl|ching|notifiqu|fastidi|acos|spame|comuniqu)(?:e|es|en|ar\\w*|ando\\w*))\\b';
const DETS =
  'los|las|el|la|sus|tus|mis|mi|estos|estas|esos|esas|este|esta|mas|de|todos|todas|ningun|ninguno|tantos|recibir';
const DET = `(?:(?:${DETS}|texto) )*`;

/** "Quiero que pare en la esquina", "quiero que pare el dolor". */
const PLACE =
  '(?:aqui|ahi|alli|frente|cerca|afuera|enfrente|en(?! (?:seguida|este (?:momento|numero|telefono)|mi (?:numero|telefono|celular))))\\b';
const OTHER_OBJECT =
  '(?:(?:el|la|los|las|mi|su|un|una) )?(?:dolor|carro|coche|auto|camion|camioneta|bus|tren|taxi|trafico|fuga|gotera|agua|lluvia|musica|ruido|sangrado|sangre|alarma|reloj|obra|trabajo|maquina|motor)\\b';

/** Revocations in Spanish, where the negation stands before the verb and its object. */
const PHRASES: readonly RegExp[] = [
  /\bno me (?:escriben?|mandan?|envian?|contactan?|llaman?|molestan?) (?:mas|nunca|nada)\b/,
  re(
    `\\b(?:favor (?:de )?no|sin|no) (?:(?:escribir|enviar|mandar|molestar|llamar|contactar|enviarme|mandarme|escribirme)(?: mas)?(?: ${DET}${MENSAJES})?|mensajes|textos|sms)(?: por favor| gracias| mas)*$`,
  ),
  /^(?:ya )?(?:parenle|parele|parale|parenlo|parelo|paralo)(?: ya| por favor| (?:con|a|de) (?:los|las|sus|esto|tanto|tantos|eso)\b.*)*$/,
  /\bque (?:ya )?(?:pare|paren|parara|pararan|se detengan|dejen de (?:mandar|escribir|molestar)\w*)(?: (?:ya|por favor|de una vez))*$/,
  /^(?:ya )?(?:vayanse|larguense|largate|suficiente)(?: ya| por favor| a la \w+)*$|^bloquead[oa]s?$|\b(?:bloqueenme|bloqueeme|(?:los?|las?|te) voy a bloquear)\b/,
  re(
    `\\bno (?:esten?|estes|anden?) (?:me )?${ESCRIBIR}(?! (?:a la|al|en)\\b)|\\bno (?:estes?|esten?) chingando\\b|^(?:ya )?no (?:sigan?|chinguen)(?: mas| ya| por favor)*$`,
  ),
  /\b(?:no|nunca) (?:les? |te )?(?:autorice|di (?:mi |el |ningun )?(?:permiso|consentimiento|autorizacion))\b/,
  /\b(?:ya )?no (?:(?:quiero|deseo|necesito|mas)(?: (?:mas|sus|estos|ningun|recibir))* leads?|mas leads?|mand[ea]n? leads?)(?: (?:mas|ya|por favor|gracias|de ustedes))*$/,
  /\bno (?:quiero|deseo|quisiera)(?: ya)? (?:estar|seguir|aparecer) en (?:la|su|tu|esta|esa|ninguna) lista\b(?! de espera)|\bno (?:quiero|deseo|quisiera) (?:estar|seguir) recibiendo\b/,
  /\b(?:dejar de recibir(?:l[oa]s)?(?: (?:mas|estos|los|sus))* (?:mensajes?|textos?|esto|sms|notificaciones)|para (?:que )?(?:ya )?no (?:recibir(?: (?:mas|estos|los|sus))* (?:mensajes?|textos?|esto|nada)|me (?:manden|escriban|envien)))\b|^como (?:salgo|me salgo|quito) (?:de )?(?:esto$|(?:esta |la |su )lista)\b|\bsalgo de (?:la|esta|su) lista\b/,
  /\bme (?:puede[ns]?|podria[ns]?) (?:borrar|quitar|sacar|eliminar|remover)(?: por favor| ya)*$|\bdejen en paz$/,
  /\b(?:alto|basta|stop) (?:a|con|de) (?:los|sus|tantos|estos|las)\b/,
  /\b(?:quitar|borrar|eliminar|sacar|remover)(?:me)? de (?:la|su|tu|esta) lista\b|\bsalir(?:me)? de (?:la|su|tu|esta) lista\b/,
  /\bno (?:quiero|deseo|quisiera)(?: mas)? (?:ser|que me sigan) (?:contactad|molestad|llamad|notificad|escrit)[oa]s?\b/,
  /\bno (?:insistan?|insistas|jodan?|jodas|chinguen?|fastidien?)\b/,
  /\bno (?:quiero|deseo|quisiera) (?:saber |recibir |ver )?(?:nada|mas) de (?:ustedes|usted|esto|esta empresa)\b|\bno (?:quiero|deseo) (?:recibir |ya )?nada$/,
  re(`\\bno (?:estoy|estamos) interesad[oa]s? en (?:recibir|seguir|sus|estos) ?(?:${DET}${MENSAJES})?`),
  /\bno (?:escriban?|escribas|manden?|mandes|envien?|envies|llamen?|llames|contactarme|escribirme|contacten?) ?(?:mas |nada )?(?:a (?:este|mi) (?:numero|telefono|celular))?$/,
  re(
    `\\b(?:quiero|quisiera|deseo|necesito|pido) que (?:me |ya )?(?:paren?(?! (?:${PLACE}|${OTHER_OBJECT}))|borren?|quiten?|eliminen?|saquen?|den de baja|cancelen)\\b`,
  ),
  /^(?:la )?baja (?:del?|de la|de) (?:servicio|lista|mensajes|sms|suscripcion)\b|\bme (?:da|dan|das) de baja\b/,
  /\b(?:quiero|deseo) salir(?:me)? del? (?:grupo|lista|esto|aqui|servicio|programa)\b/,
  /^(?:ya )?(?:paren|pare|para|alto|basta) (?:con|a|de) (?:los|las|sus|esto|tanto|tantos)\b/,
  /\bolvidense de mi (?:numero|telefono|contacto)\b|\bno tienen? mi (?:permiso|consentimiento|autorizacion)\b/,
  /^como (?:cancelo|me (?:salgo|borro|quito|desuscribo))\b/,
  re(
    `\\b(?:no|nunca|jamas|tampoco|ni)(?: (?:vuelvan?|vuelvas?|sigan?|sigas?|quiero que|deseo que|deben|pueden|tienen que))?(?: (?:a|ya|mas))* (?:me|nos) (?:vuelvan? a |vuelvas? a |sigan? |sigas? )?${ESCRIBIR}(?! (?:este|esta|ese|esa|el|la|los datos|detalles)\\b)`,
  ),
  re(`\\bno (?:vuelvan?|vuelvas?|vuelve|sigan?|sigas?|continuen?) (?:a )?${ESCRIBIR}`),
  re(
    `\\bno (?:manden?|mandes|envien?|envies|escriban?|escribas|llamen?|llames|contacten?|contactes|molesten?|molestes|molestar|texteen) ?(?:mas|nada|nunca|a este numero|${DET}${MENSAJES})?(?: mas| por favor| gracias)*$`,
  ),
  re(
    `\\b(?:ya )?no (?:quiero|quisiera|deseo|necesito(?! mas informacion)|me interesa|acepto|autorizo|pedi|me gusta)(?: (?:ya|mas|seguir|recibir|recibiendo|que|tener|ningun|ver))* ?(?:${DET}${MENSAJES}|recibir(?:los|las|lo|la)?(?: mas)?|que me ${ESCRIBIR})(?: |$)`,
  ),
  /\bno (?:quiero|deseo)(?: ya)? (?:recibir|seguir|mas)$|\bya no quiero(?: mas| seguir| esto)?$/,
  re(
    `^(?:ya |por favor )*no mas(?: (?:(?:${DETS})(?= (?:${DETS}|${MENSAJES})\\b)|${MENSAJES}|por favor|gracias))*$|\\bno mas ${DET}${MENSAJES}\\b`,
  ),
  /\bno (?:autorizo|consiento|doy (?:mi )?(?:permiso|consentimiento|autorizacion))\b|\b(?:retiro|revoco|revocar|retirar) (?:mi |el )?(?:permiso|consentimiento|autorizacion|suscripcion)?/,
  re(
    `\\b(?:para|pare|paren|parar|parad|deja|deje|dejen|dejar|dejad|dejame|dejenme|dejeme|basta|cese|cesen|termina|termine|terminen) (?:ya )?de (?:me )?(?:estar )?(?:${ESCRIBIR}|mensaj\\w*|spam\\w*)`,
  ),
  re(
    `(?<!\\b(?:no|sin|nunca|puedo|puede|a) )\\b(?:pare|paren|parar|detener|detenga|detengan|deten|suspendan?|suspende|suspender|cesen|quiten|terminen) ${DET}(?:mensajes?|textos?|sms|notificaciones|envios?|publicidad|spam|llamadas|esto)\\b`,
  ),
  /\b(?:dejame|dejenme|dejeme|dejanos|dejennos) (?:en paz|tranquil[oa]s?|sol[oa])\b/,
  /^(?:ya )?(?:basta|detente|detenganse)(?: ya| por favor| de mensajes)*$|^ya (?:basta|paren|pare|estuvo|no)(?: por favor| gracias)*$/,
  /\b(?:borra|borre|borren|elimina|elimine|eliminen|quita|quite|quiten|saca|saque|saquen|remueva|remuevan|retira|retire|retiren|excluya|excluyan|desuscriba|desuscriban)(?:me|nos)\b/,
  /\b(?:borrarme|eliminarme|quitarme|sacarme|removerme|retirarme|desuscribirme|desubscribirme|desinscribirme|borrenme|elimineme|eliminenme)\b/,
  /(?<!\bno )\b(?:borra|borre|borren|borrar|elimina|elimine|eliminen|eliminar|quita|quite|quiten|quitar|saca|saque|saquen|sacar|olvida|olvide|olviden|remueva|remuevan|remover|retiren|bloquea|bloquee|bloqueen|bloquear|borres) (?:mi|mis|este|el) (?:numero|telefono|celular|datos|nombre|contacto|informacion|cuenta|movil|suscripcion)\b/,
  /\b(?:de|por) (?:su|la|tu|esta) (?:lista|base)\b.*\b(?:saquen?|quiten?|borren?|eliminen?)|\b(?:saquen?|quiten?|borren?|eliminen?)(?:me)?\b.*\b(?:de|por) (?:su|la|tu|esta) (?:lista|base)\b/,
  /(?<!\b(?:no|nunca) (?:me )?)\b(?:dar(?:me)?|dame|deme|denme|den|dennos|darse|doy|quiero(?: la)?|solicito(?: la| mi)?|pido(?: la)?|deseo(?: la)?|causar)(?: me)?(?: de)? baja\b/,
  /\b(?:me doy|me den|me de|me dan) de baja\b|^(?:la )?baja(?: por favor| ya| gracias| ahora)*$/,
  re(
    `(?<!\\bno )\\b(?:cancela|cancele|cancelen|cancelar|cancelenme|anular|anulen|terminar|finalizar) (?:con )?${DET}(?:suscripcion|servicios?|mensajes?|textos?|cuenta|numero|todo|envios?|notificaciones|membresia)\\b`,
  ),
  /\b(?:quiero|deseo|quisiera|necesito|solicito|me gustaria|como (?:puedo|hago para|se puede)?) ?(?:cancelar|desuscribirme|salir(?:me)?|parar(?:lo)?|detenerlo|la cancelacion)(?: (?:esto|por favor|ya|de esto|de la lista|de esta lista))*$/,
  /\b(?:desuscrib\w+|desubscrib\w+|desinscrib\w+|dessuscrib\w+)\b/,
  /^(?:por favor )?(?:alto|para|paren|pare|cancelar|cancelen|cancele)(?: (?:ya|por favor|gracias|ahora|con esto|de una vez|todo|porfavor|los mensajes))+$|^por favor (?:alto|paren|pare|cancelar|cancelen|cancele|baja|detener|detenganse)$/,
];

/** Whether a clause revokes in Spanish. `no` negates an imperative: "no me borren" keeps the number. */
export function revokesInSpanish(clause: string): boolean {
  if (
    /\b(?:no|nunca|jamas) (?:me (?:borr|elimin|quit|saqu|den de baja|des de baja)\w*|cancelen?\b|(?:me )?(?:quiero|deseo|voy a|pienso|puedo|debo|quisiera)(?: \w+){0,2}? (?:cancelar|anular|dar(?:me)? de baja|salir|desuscrib\w*|borrar\w*|eliminar\w*)|paren? de\b|dejen? de\b|pares\b|dejes de\b)/.test(
      clause,
    )
  ) {
    return false;
  }
  const afterBut = clause
    .split(/\bpero\b/)
    .at(-1)!
    .trim();
  return PHRASES.some((phrase) => phrase.test(clause) || phrase.test(afterBut));
}
