import { type Sentences, split } from './reply-sentences.test-data.ts';

/** The same in Spanish. */
export const tradesInSpanish: Sentences = {
  /** Revocations. */
  stop: split(`
    Ya no trabajo en esto, no me manden más | Por favor quiten mi número | quiten este numero de su lista
    Quita mi numero porfa | Borren este numero | borre mi telefono | saque mi numero de ahi
    Sáquenme de esa lista por favor | saquenme | Elimínenme | eliminame de la lista | eliminar mi numero
    Que ya no me manden mensajes | que no me manden mas | Ya no me mande mensajes señor | ya no manden
    No me mande mensajes | no manden nada | No me manden nada mas por favor | no me envien mas clientes
    no me manden clientes | No quiero clientes, no me escriban | no quiero mas clientes | ya no quiero clientes
    Ya no quiero leads | no quiero leads | no más leads | Ya no hago masajes, quítenme de la lista
    ya no me dedico a eso, borrenme | Cerré el negocio, ya no me escriban
    Ya vendí la compañía, no manden más mensajes | Este número ya no es de Carlos, no escriban
    numero equivocado no manden mensajes | número equivocado, bórrenlo | Se equivocó de número, no me escriba más
    Ya le dije que no me escriba | les dije que paren | Ya les pedí que pararan | le dije que parara
    Que paren por favor | que pare | ya pare | Ya párenle con los mensajes | parenle | Párele
    Dejen de mandar mensajes | dejen de mandarme eso | Deje de escribir | deje de molestarme | dejame de escribir
    Dejen de estar molestando | No estén molestando | no esten chingando | no chinguen | dejen de chingar
    Ya no estén mandando | no estén mandando mensajes | No sigan mandando | no sigan
    Que no me escriban a este número | No escriban a este número | no llamen a este telefono | no llame mas
    No vuelva a escribir | no vuelva a mandar mensajes | No me vuelva a mandar nada | nunca mas me escriban
    Jamás me escriban | no me interesa recibir mensajes | no me interesa, no escriban más | No me interesa, quítenme
    no, quítenme | No. Cancelar | no quiero esto, cancelen | no quiero estar en la lista
    No quiero estar en su lista | no quiero estar recibiendo esto | no quiero recibir esto | No quiero recibir
    no quiero recibir estos mensajes | no deseo recibir mensajes | no deseo estos mensajes
    No deseo seguir recibiendo | no quiero seguir recibiendo mensajes | cancelar | CANCELAR | Cancelar esto
    cancela | Cancélame | cancelenme | cancelen mi cuenta | Cancela mi cuenta por favor
    quiero cancelar mi suscripcion | quiero cancelar la suscripción por favor | Anular | anular mensajes | ALTO
    alto ya | alto!! | alto a esto | PARE | pare por favor | Parar | PARAR | detener | Detener por favor
    Detengan esto | detenganse | BAJA | Baja | dar de baja | darme de baja por favor | Deme de baja
    dame de baja ya | quiero baja | Solicito mi baja | solicito la baja | baja de la lista | favor darme de baja
    favor de darme de baja | favor quitarme | Favor borrarme de la lista | favor eliminar
    por favor borrar mi numero | Salir | SALIR | quiero salir de esto | salirme de la lista
    como salgo de esta lista | cómo me salgo de esto | como hago para no recibir mas mensajes
    Cómo puedo dejar de recibir esto | como le hago para que no me manden mensajes | Cómo cancelo esto
    como quito esto | quiero dejar de recibir mensajes | Quiero que dejen de escribirme | quiero que me borren
    quiero que me dejen en paz | Dejen en paz | déjeme tranquilo | Váyanse | vayanse a la chingada | no molesten
    No molestes | no moleste mas | no me moleste | no joda | no jodan mas | Basta | BASTA | ya basta de mensajes
    suficiente | ya estuvo | ya no | YA NO | ya no gracias | no mas | NO MAS | No más por favor
    no mas mensajes gracias | no mas textos por favor | No textos | no text | no mensajes | sin mensajes
    No autorizo | no autorizo mensajes | yo no autoricé estos mensajes | nunca autoricé que me escribieran
    No di permiso | Yo no di mi permiso para esto | no les di permiso de escribirme | Retiro mi consentimiento
    Los voy a demandar si me vuelven a escribir | si me siguen escribiendo los reporto
    Si vuelven a escribir los demando | bloqueado | bloqueenme | los voy a bloquear | Desuscribir
    desuscribirme por favor | desuscríbame | desinscribir | Unsubscribe por favor | STOP | stop porfavor | stop ya
    Stop no quiero | stop mandar mensajes | stop de mandar | Estop | estop | Estop por favor | si quitenme
    sí, quítenme de la lista | Si por favor borren mi numero | sí, ya no me escriban | ok borrenme | ok ya no manden
    Buenas tardes, favor de quitar mi número de su lista | Buenos días, ya no deseo recibir mensajes, gracias
    Hola, me pueden quitar de la lista por favor? | Hola me puede borrar | me puede quitar? | Me pueden dar de baja?
    puede quitar mi número? | Pueden borrar mi numero por favor | podrían dejar de escribirme
    Podría dejar de mandarme mensajes? | Quiero que pare el acoso | quiero que paren la mandadera de textos
    Quiero que paren en este momento | No quiero cosas en mi teléfono | No quiero información sobre esto
    no quiero clientes en mi celular | no quiero servicios en este número`),
  /** Ordinary sentences with a word of revocation, and refusals that give a reason only. */
  never: split(`
    Ya tengo trabajo ese día | ya tengo cliente | ya tengo cita | Es mucho dinero | 20 es mucho | muy poco
    pagan muy poco | quizás la próxima | saltar | si otro mensaje llega con el reporte avísenme
    si me mandan otro mensaje de la policía | me puede quitar la duda | me puede sacar de la casa a las 5
    para no llegar tarde salgo ya | para no recibir multa | como quito la alfombra? | como salgo de la autopista
    dejen en paz el perro | no sigan la calle 8, está cerrada | bloqueado el tráfico | está bloqueado el portón
    estoy bloqueado en el tráfico | me bloquearon la tarjeta | Suficiente espacio para la camioneta?
    que pare la lluvia y voy | quiero que pare el dolor | le dije que parara en mi casa | que pare en la esquina
    dígale que pare en la puerta | no les di mi número | no di la dirección
    la lista de clientes no la quiero perder | no quiero estar en la lista de espera
    No quiero seguir en el tráfico | no quiero leads de limpieza, solo masajes | no quiero trabajos lejos
    no más trabajos lejos | no quiero más trabajos hoy | número del cliente equivocado, ¿lo borran?
    el número no sirve, quítenlo del lead | no me escribió al teléfono, bórrelo del lead | ya no estén en la puerta
    no estén llamando a la puerta | el cliente canceló y lo quiero reportar | vayan a la entrada
    no quiero clientes hombres | no quiero clientes lejos | no quiero servicios de noche
    no necesito más información, sí | no quiero servicios en mi zona | no quiero cosas pesadas
    quiero que paren el camión | quiero que pare aquí | no quiero información adicional`),
  /** Acceptances. */
  accept: split(`
    Si | SI | sí | Sí | Sí! | si por favor | Sí, por favor | si porfa | si porfavor | si gracias | Sí gracias
    si claro | Claro | claro | claro que sí | Claro que si | Sí claro | por supuesto | Por supuesto que sí | sip
    Sip | sii | siii | Sííí | si si | sí sí | si señor | Si señora | si lo quiero | sí, lo quiero | Lo quiero
    lo quiero | La quiero | la tomo | Lo tomo | sí lo tomo | si la tomo | yo lo tomo | Yo lo agarro | lo agarro
    me interesa | Me interesa | sí me interesa | si me interesa | Estoy interesada | estoy interesado
    sí, estoy interesada | Acepto | acepto | ACEPTO | sí acepto | si acepto | Aceptar | aceptado | De acuerdo
    de acuerdo | dale | Dale | Dale pues | dale sí | Vale | vale | ok | Ok gracias | okey | Oki | está bien
    esta bien | Esta bien si | bueno si | Desbloquear | desbloquear | desbloqueo | sí desbloquear | Desbloquéalo
    quiero desbloquear | Quiero este | lo compro | Sí lo compro | Si pago los 20 | si pago | si pago los $20
    mándalo | Mándame el link | mandame el enlace | Envíame el enlace | Envíeme los datos | mande los datos
    sí mande los datos | Sí, mándame los datos por favor | si mandame la info | Si envíame los detalles | Sí puedo
    si puedo | Sí puedo hoy | si puedo ir | Sí, puedo esta noche | sí estoy disponible | si estoy disponible
    Hola si | Hola, sí me interesa | Buenas tardes sí | Buenos días, sí por favor | Si, no hay problema
    sí, no hay problema | Sí ✅ | si 👍 | Sí lead_abc12345 | si lead_abc12345 gracias | y | Y por favor | Y gracias
    Yes gracias | yes porfavor | Yes por favor`),
  /** Refusals. */
  decline: split(`
    No | no gracias | No, gracias | N | nel | Nel | nop | ahora no | Ahora no puedo | ahorita no | Ahorita no puedo
    Ahorita no, gracias | hoy no | Hoy no puedo | Por hoy no | por ahora no | esta vez no | Esta no | este no
    Este no, gracias | Paso | paso gracias | paso esta vez | Yo paso | No puedo | no puedo hoy | No puedo ir
    no puedo ese dia | No puedo esta noche | no voy a poder | No podré | no me interesa | No me interesa gracias
    No estoy interesada | no estoy disponible | No disponible | no dispongo de tiempo | no tengo tiempo
    No tengo tiempo hoy | no tengo carro | Estoy ocupada | estoy ocupado | Estoy muy ocupado | ocupado | Estoy llena
    ya estoy lleno | Tengo la agenda llena | agenda llena | Estoy de vacaciones | estoy fuera de la ciudad
    Estoy enferma | estoy enfermo hoy | Muy lejos | esta muy lejos | Queda lejos | queda muy lejos | me queda lejos
    Es muy lejos para mí | muy caro | Está caro | esta muy caro | No trabajo en Miami | no trabajo los domingos
    No trabajo de noche | no trabajo esa zona | no cubro esa area | No hago ese tipo de trabajo | no hago eso
    yo no hago eso | no lo quiero | No la quiero | no quiero | No quiero este | no quiero ese lead | No lo tomo
    no la tomo | no me conviene | No me sirve | no vale la pena | Para la próxima | la próxima | otro día
    otro dia mejor | Mejor otro dia | mejor no | Mejor no gracias | Gracias pero no | gracias pero no puedo
    Gracias, pero estoy ocupada | Lo siento no puedo | lo siento, no | Disculpa no puedo | No, lo siento
    perdón pero no puedo | no señor | no señora | No, estoy trabajando | no hoy | No ahora | Omitir | omitir
    Rechazar | rechazo | Negativo`),
  /** Questions, hesitation, terms, and talk about a yes. */
  unclear: split(`
    queda lejos? | ¿muy lejos? | Qué? | que es esto | ¿Qué es esto? | Quién es | quien es? | ¿Quién es? | quien habla | Cuánto | cuanto cuesta
    ¿Cuánto es? | cuanto sale | y cuanto pagan | Y cuánto es? | y donde es | y a qué hora | ¿y dónde? | Y quién es
    y eso qué es | Y si no contesta? | y si no me paga | y luego | y qué más | si quien es | Sí, quién habla?
    sí dígame | Si digame | Si bueno | sí, ¿cuánto cuesta? | si pero cuanto | Si pero hoy no | sí pero no hoy
    Si pero mañana | sí pero no puedo hoy | si es gratis si | Si es gratis | si es en Miami | si es cerca sí
    si no es muy lejos | si pagan bien | Si puede mañana | si me das descuento | Si me mandas la dirección voy
    si tienen otro | Si es mujer si | si no tengo que pagar | Es gratis? | es gratis | dónde es | ¿Dónde?
    donde queda | a que hora | ¿A qué hora? | para cuando | Cuándo | hombre o mujer | es hombre o mujer? | Llámame
    llameme | Llámame por favor | llámenme al 305-555-0142 | me puede llamar | Pueden llamarme? | No entiendo
    no entendí | no entiendo ingles | No hablo inglés | español | Español por favor | en español por favor
    habla español? | No sé | no se | no estoy segura | no estoy seguro | Tal vez | tal vez mañana | quizás | Quizas
    déjame ver | dejame checar | Déjame pensarlo | deja veo | Ahorita te digo | luego te digo | Te aviso | le aviso
    te aviso mas tarde | Espera | espérame | un momento | Hola | hola buenas tardes | Buenos dias | gracias
    Muchas gracias | ok quien es | ya pagué | Ya pague | Ya pagué y no me llegó nada | no me llegó nada
    No me llegó el link | no me llego el mensaje | no abre el link | El link no sirve | no puedo abrir el enlace
    No puedo pagar | no me deja pagar | No me llegaron los datos | el cliente no contesta | El cliente canceló
    la clienta me canceló | me cancelaron | quiero mi dinero | Quiero mi dinero de vuelta | quiero un reembolso
    Devolución | puedo pagar después | ¿Puedo pagar en efectivo? | aceptan efectivo | cuanto es lo menos
    me lo dejas en 10 | 10 dolares | Sí o no | si o no | si y no | si no | no si | Y o N | sí no sé
    número equivocado | Numero equivocado | de donde sacaron mi numero | ¿Cómo consiguieron mi número?
    es para parar una fuga? | hay que parar el agua primero | puedo parar ahí a las 5 | Voy a parar a comer
    paro a las 5 | No paren de mandar clientes | no dejen de mandarme clientes | no dejen de escribirme
    No me borren | no me quiten de la lista | No me saquen por favor | no quiero cancelar | No cancelen
    ¿puedo cancelar después? | si cancela el cliente que pasa | Se puede cancelar? | es planta baja? | esta en alto
    un piso alto | cliente con presión alta | salir a que hora | Puedo salir a las 6 | hay que quitar el techo viejo
    quitar alfombra? | hay que eliminar moho? | Para cuándo | para hoy? | Para mañana sí puedo | para qué
    para donde | Es para hoy? | Baja el precio | bajale | baje el precio | le bajas? | termino a las 5
    termino a las 5 y voy`),
  /** Autoresponders and delivery services. */
  auto: split(`
    Gracias por su mensaje. Le responderemos lo antes posible.
    Gracias por comunicarse con Limpieza Lopez. Nuestro horario es de 8 a 5.
    Gracias por contactarnos. En breve un asesor le atenderá.
    Hola! Gracias por escribirnos. En este momento no estamos disponibles.
    Estoy conduciendo en este momento. Te respondo más tarde.
    Mensaje automático: estoy fuera de la oficina hasta el lunes. | Respuesta automática: estoy con un cliente.
    Ahora no puedo hablar. Te llamo después. | En este momento no puedo atenderle, deje su mensaje.
    Este número no recibe mensajes de texto.`),
};
