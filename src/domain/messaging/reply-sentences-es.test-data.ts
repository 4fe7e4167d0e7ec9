import { type Sentences, split } from './reply-sentences.test-data.ts';

export const spanish: Sentences = {
  /** Revocations. */
  stop: split(`
    ALTO | alto por favor | Alto! | BAJA | baja por favor | Dar de baja | darme de baja | dame de baja
    Denme de baja por favor | Quiero darme de baja | quiero la baja | me doy de baja | CANCELAR | cancelar por favor
    Cancelar suscripción | cancela mi suscripción | quiero cancelar | Quiero cancelar el servicio
    cancelen todos los mensajes | PARAR | parar | Pare | paren ya | Paren de mandarme mensajes | para de escribirme
    pare de enviarme mensajes | dejen de escribirme | Deja de mandarme textos | dejen de molestar
    Por favor dejen de enviarme mensajes | déjenme en paz | Déjame en paz! | DETENER | Detener mensajes
    detengan los mensajes | basta | Basta ya | ya basta | basta de mensajes | no me escriban | No me escriban más
    no me escriba mas | no me manden más mensajes | No me envíen nada | no me contacten | No me llamen ni me escriban
    no me molesten | no me molesten mas por favor | no manden más mensajes | no envíen más | no más mensajes | no mas
    No quiero más mensajes | no quiero recibir mensajes | ya no quiero recibir nada | No deseo recibir más mensajes
    no quiero sus mensajes | ya no me escriban | nunca me vuelvan a escribir | no vuelvan a escribirme
    no vuelva a contactarme | no quiero que me escriban | bórrame | bórreme de su lista | Bórrenme de la lista
    borren mi número | borra mi numero por favor | elimíname | Elimine mi número | eliminen mis datos
    quítame de la lista | Quítenme de su lista | sáquenme de la lista | sáqueme de esta lista por favor
    remuevan mi número | desuscribir | desuscribirme | Desuscríbanme | no autorizo estos mensajes
    revoco mi consentimiento | sí, bórrame | Sí, pero no me escriban más | si, dar de baja | sí por favor cancelar
    ok, no me manden más | no gracias, no me escriban | STOP por favor | por favor stop | No me interesa, bórrenme
    olviden mi número | suspendan los mensajes | Quiero darme de baja hoy | bórrenme hoy mismo
    no me escriban mas hoy | cancelen mi suscripción hoy | no más textos | Si, cancelar todo | no quiero stop
    Stop mandando mensajes | no mas texts | sí, pero ya no me manden mensajes | no me mandes mas mensajes porfa
    ya no me manden nada | no quiero más textos | quiten mi número de su lista | no vuelvan a molestar
    dejen de joder | no molestar | no molesten | cancele | Cancelar mi número | eliminar | salir | Anular suscripción
    no estoy interesado, no me escriban | No, bórrenme | párale ya | ya no más | quiero que me quiten de la lista
    quiero salir de la lista | me pueden quitar de la lista? | ¿cómo me doy de baja? | ¿cómo cancelo?
    favor de no enviar mensajes | favor no escribir | favor de eliminar mi número | por favor eliminen mi contacto
    No autorizo que me contacten | no me contacten nunca más | detente | para ya | PARA | Para por favor
    pare por favor | stop mensajes | alto a los mensajes | basta con los mensajes | no mensajes por favor
    numero equivocado, no escriban | No quiero recibir más de estos mensajes | ya no deseo recibir ofertas
    no deseo ser contactado | no quiero ser contactada | quítenme | sáquenme de aquí | bloqueen mi número
    dejen de llamarme y escribirme | dejen de mandar sms | no insistan | deje de enviar
    Por favor no me envíe más textos | Le pido que no me escriba | les pido que dejen de escribirme
    ya me cansé de estos mensajes, paren | me harté, ya no me escriban | Ya no quiero mensajes
    ya no quiero mas mensajes por favor | no quiero nada de ustedes | No quiero saber nada de ustedes
    No deseo más información | No estoy interesado en recibir mensajes | no me interesa recibir sus ofertas
    Por favor no más | por favor ya no más mensajes | Ya no me envíen mensajes | ya no me envies nada
    No me envíe más | no me envien mas sms | no me mande mas textos | no me manden sms | no me manden esto
    NO ME ESCRIBAN | no me escribas mas | no me vuelvas a escribir | No me vuelva a escribir nunca
    no vuelvas a mandarme mensajes | no escriban más | no escribas mas a este numero | no llamen más | No contactar
    no contactarme | no me busquen | no me hablen mas | no me jodan | dejen de fastidiar | deja de molestarme
    dejen de acosarme | dejen de mandarme esto | deja de enviar mensajes | deje de escribirme por favor
    Pueden dejar de escribirme? | ¿pueden parar de enviarme mensajes? | ¿Podrían dejar de mandarme textos?
    quiero que dejen de escribirme | quiero que paren | Quiero que paren los mensajes | quisiera que me borren
    me pueden borrar de su lista | pueden eliminar mi numero? | pueden quitarme de la lista | ¿Me pueden dar de baja?
    me da de baja por favor | me dan de baja porfa | denme de baja ya | solicito la baja | Solicito que me den de baja
    baja del servicio | Baja de la lista | dar de baja mi numero | quiero cancelar mi suscripción | deseo cancelar
    cancelar servicio | Cancele mi suscripción por favor | cancelen mi cuenta | cancela todo | cancelar todo
    anulen mi suscripción | elimínenme de la lista | elimina mi contacto | elimine mis datos por favor
    borren mis datos | borre mi numero | sáquenme de su base de datos | saquen mi numero | quiten este numero
    quite mi numero por favor | retiren mi número | desuscribirse | desuscribeme | como me desuscribo
    cómo me salgo de esto | como cancelo esto | quiero salirme | quiero salir de esto | quiero salir del grupo
    sáquenme del grupo | suspender | suspender mensajes | detengan esto | detener por favor | detente por favor
    paren de una vez | paren con los mensajes | ya paren | ya párenle | basta por favor | basta de spam | alto a esto
    ALTO ALTO ALTO | Stop ya | Alto ya por favor | olvídense de mi número | olviden mi contacto | No autorizo
    no doy permiso | no tienen mi permiso | sí, pero bórrenme después | si pero ya paren | ok pero no me escriban más
    no, ya no me manden | No gracias, bórreme | no gracias, dar de baja | equivocado, no me escriban
    número equivocado, bórrenme | Esta no es Amy, dejen de escribir | spam, no escriban`),
  /** Ordinary sentences with a word of revocation, and revocations that are negated. */
  never: split(`
    Sí, para hoy | para mañana está bien | Para mi está bien | ¿Puede parar en mi casa mañana?
    no puedo parar de trabajar hasta las 6 | No paro hasta las seis | la parada de autobús | trabajo sin parar
    no pares | no dejen de mandarme clientes | No paren de mandar | no me borren | no me den de baja
    No me borres de la lista | el precio es muy alto | es muy alto el precio | planta baja | vivo en la planta baja
    ¿Me baja el precio? | la clienta canceló | ¿puedo cancelar después? | quiero cancelar mi cita de mañana
    fin de semana | este fin de semana sí | no me mande esta dirección otra vez por favor, ya la tengo
    ¿cuándo paran? | me puede escribir mañana | no me ha escrito el cliente | no me llamó nadie | mi esposo no me deja
    quiero más mensajes | mándeme los datos | no mas de dos clientes por día | ¿A qué hora termina? | no recuerdo
    nadie me escribe | no me escribió el cliente | no me han mandado los datos | No me llegó el mensaje
    no recibí el mensaje | no me mande la dirección todavía | no me llame antes de las 9
    no me escriban después de las 10 | ¿me puede dar de alta? | está alto el precio | baja por la calle ocho
    ella baja a las 6 | cancelé mi cita | si cancela el cliente me devuelven? | ¿y si cancelan?
    sí, para el fin de semana | para el sábado sí | para quién es | ¿Dónde es la parada? | No paramos los domingos
    no paro | no puedo parar ahora | yo no cancelo | no cancelen | no quiero cancelar | no quiero darme de baja
    no me quiero dar de baja | no me saquen de la lista | termino a las 5 | salgo a las 5 | quiero salir a las 6
    no quiero salir de Miami | ¿Me puede mandar los datos? | mándame la dirección | no me mandó la dirección
    no me mandaron el link | ¿por qué no me mandan clientes? | por qué ya no me mandan mensajes
    ya no me llegan mensajes | no me llegan sus mensajes | hace días que no me escriben | no me dejen sin clientes
    no dejen de escribirme | nunca dejen de mandar | no se olviden de mi | no olviden mandarme la dirección
    no quiero perder este cliente | no quiero llegar tarde | no quiero hoy | no quiero este | no quiero ese cliente
    no me interesa este cliente | No me interesa esta vez | no, ese no | ¿cancelo mi cita?
    voy a cancelar otra cita y la tomo | el cliente quiere cancelar | ella quiere cancelar | si cancela me avisan
    ¿cancelan seguido? | ¿hay cargo por cancelar? | se canceló mi cita, sí puedo | salgo a las 6 | puedo pasar a las 6
    paso por ahí a las 5 | paro en la tienda y llego | voy a parar a comer | tengo que parar a las 5
    no voy a parar hoy | trabajo hasta terminar | termino tarde | al fin | por fin | en fin, sí | fin de mes
    bajo en 5 minutos | ya bajo | ella está de baja médica | estoy de baja esta semana | el volumen está bajo
    piso alto | hombre alto | ¿qué tan alto es el edificio? | es alto riesgo | borré el mensaje, mándelo otra vez
    se borró el mensaje | eliminé su número, ¿quién es? | quité la app | saqué la licencia
    no sé cómo salir del edificio | ¿dónde paro? | ¿Puedo parar en su oficina? | no necesito nada más, sí
    no más tarde de las 6 | no hablo inglés`),
  /** Acceptances. */
  accept: split(`
    sí, por favor | Sí quiero | si lo quiero | Sí, mándeme los datos | claro que sí | ok gracias | Sí, claro
    si, me interesa | Sí, estoy disponible | ok, sí | Si por favor mande la info | Si si | Sí, acepto
    Sí, gracias por escribirme | sí me interesa mucho | sí, para mañana está bien | Sí, puedo pasar por ahí a las 5
    sí claro mande el link | ok va`),
  /** Refusals. */
  decline: split(`
    no gracias | no puedo | no estoy disponible | No, hoy no | hoy no | No, no puedo hoy | ahora no
    No estoy interesada | no lo quiero | No, hoy no puedo | No, muchas gracias | No gracias, muy lejos | hoy no puedo
    no puedo esta noche | Lo siento, no puedo | estoy ocupada | No, estoy ocupado | paso | no por ahora
    No, gracias, otro día`),
  /** Questions, hesitation, limits, and a word of revocation beside a yes. */
  unclear: split(`
    ¿cuánto cuesta? | ¿quién es? | no entiendo | no sé | ¿Dónde es? | ¿A qué hora? | cuánto es | quién eres
    no puedo abrir el enlace | no me escriban hoy | No me llamen, solo texto`),
  /** Autoresponders, delivery services, and our own texts sent back. */
  auto: split(`
    Respuesta automática: estoy fuera de la oficina | Gracias por contactarnos, le responderemos pronto
    Estoy manejando, te llamo luego | Este número no acepta mensajes de texto | No puedo hablar ahora. ¿Qué pasa?
    Gracias por su mensaje. Responda ALTO para cancelar. | Hola, gracias por escribirnos. En breve le atenderemos.
    Estoy en una reunión, te llamo más tarde | Estoy conduciendo. Te respondo cuando llegue.
    Fuera de oficina hasta el lunes | Mensaje automático: no disponible | Su mensaje ha sido recibido
    El número que marcó no está disponible`),
};
