import type { LeadField } from '../lead/candidate.ts';

/**
 * Normalizes a column's name for comparison: words in lower case without accents and punctuation, so that
 * `E-mail 1 - Value`, `MobilePhone` and `Código postal:` are recognised.
 */
export function headerWords(name: string): string {
  return name
    .slice(0, 500)
    .replace(/([\p{Ll}\d])(\p{Lu})/gu, '$1 $2')
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[’']s\b/g, '')
    .replace(/\be[\s_-]?mail/g, 'email')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

/**
 * Column names of common exports, normalized by `headerWords`: Google Contacts (old and new), Outlook (both), HubSpot,
 * Salesforce (reports and Data Loader), Meta lead ads, GoHighLevel, and plain English and Spanish. Names are listed
 * by preference: where a file has several columns for one field, the earliest name wins.
 */
const NAMES: Readonly<Record<LeadField, string>> = {
  name: `name|full name|fullname|contact name|customer name|client name|lead name|display name|your name|nombre completo
    |nombre y apellido|nombre y apellidos|nombres y apellidos|nombre del cliente|cliente|contacto|customer|client
    |contact|lead|file as`,
  first_name: `first name|firstname|given name|first|fname|forename|nombres|nombre de pila|primer nombre|nombre`,
  last_name: `last name|lastname|family name|surname|last|lname|apellidos|apellido|primer apellido`,
  phone: `phone|phone number|phone #|telephone|telephone number|tel|tel number|mobile|mobile phone|mobile number
    |mobile phone number|mobilephone|cell|cell phone|cell number|cellphone|contact number|contact phone|home phone
    |home phone 2|business phone|business phone 2|work phone|work phone number|primary phone|main phone|other phone
    |car phone|company main phone|company phone|customer phone|day phone|evening phone|phone no|no phone|phone mobile
    |phone home|phone work|additional phones|additional phone|secondary phone|alternate phone|whatsapp
    |whatsapp number|whatsapp phone number|hs whatsapp phone number|telefono|telefonos|numero de telefono
    |numero telefonico|telefono movil|telefono celular|telefono de casa|telefono fijo|telefono principal
    |telefono del trabajo|movil|celular|numero de celular|numero de movil|numero movil|num telefono|no telefono`,
  email: `email|email address|emails|mail|primary email|work email|home email|personal email|contact email
    |customer email|additional emails|email 2 address|email 3 address|correo|correo electronico|direccion de correo
    |direccion de correo electronico|direccion de email|e correo`,
  notes: `notes|note|description|comments|comment|message|remarks|details|customer notes|lead notes|notas|nota
    |comentarios|comentario|observaciones|mensaje|descripcion|detalles`,
  company: `company|company name|business name|organization|organization name|organisation|organization 1 name
    |account name|company account|associated company|employer|empresa|nombre de la empresa|nombre de empresa
    |compania|negocio|organizacion`,
  address: `address|address 1|address1|street address|street|address line 1|full address|mailing street
    |mailing address|mailing address line 1|home address|home street|business street|business address|billing street
    |billing address|other street|shipping street|postal address|property address|address 1 street|direccion
    |direccion 1|domicilio|calle|calle y numero|direccion postal`,
  city: `city|town|city town|mailing city|home city|business city|billing city|other city|shipping city
    |property city|address 1 city|ciudad|localidad|poblacion|municipio|ciudad localidad`,
  state: `state|state region|state province|province|region|county|mailing state|mailing state province|home state
    |business state|billing state|billing state province|other state|shipping state|property state|address 1 region
    |provincia|departamento|estado provincia|estado|comunidad autonoma`,
  postal_code: `postal code|zip|zip code|zipcode|zip postal code|postcode|post code|postalcode|mailing zip
    |mailing postal code|mailing zip postal code|home postal code|business postal code|billing zip
    |billing postal code|billing zip postal code|other postal code|shipping zip|property zip|address 1 postal code
    |codigo postal|cod postal|cp|c p`,
  country: `country|country region|mailing country|home country|home country region|business country
    |business country region|billing country|other country|other country region|address 1 country|pais
    |pais region|nacion`,
  website: `website|website url|web page|web site|url|website 1 value|company website|personal web page|sitio web
    |pagina web|web`,
  tags: `tags|tag|labels|label|categories|group membership|groups|lists|segments|etiquetas|etiqueta|categorias
    |grupos`,
  source: `source|lead source|original source|original traffic source|hs analytics source|contact source
    |first source|latest source|channel|platform|origen|fuente|origen del lead|canal`,
};

const FIELD_OF = new Map<string, { field: LeadField; rank: number }>();
for (const [field, names] of Object.entries(NAMES) as [LeadField, string][]) {
  for (const [rank, name] of names.split('|').entries()) FIELD_OF.set(headerWords(name), { field, rank });
}

/** A header with one of these words is not a lead field, even if another word matches ("phone type", "email status"). */
const NOT_A_FIELD =
  /\b(fax|pager|telex|tty|isdn|assistant|callback|manager|spouse|yomi|phonetic|label|type|id|owner|status|date|time|opt|consent|valid|verified|count|score|domain|extension|ext|formatted|po box|created|modified|campaign|ad|adset|form|bounce|last|days|number of|pronunciation|display name|user|country code)\b/;

/** Keywords that identify a field in a name that is not listed: "Best phone to reach you". The first match wins. */
const KEYWORDS: readonly [RegExp, LeadField][] = [
  [/\bemail|correo\b/, 'email'],
  [/\b(phone|telephone|mobile|cell|cellular|telefono|celular|movil|whatsapp|tel)\b/, 'phone'],
  [/\b(zip|postal code|postcode|codigo postal)\b/, 'postal_code'],
  [/\b(first|given) name\b/, 'first_name'],
  [/\bfull name|nombre completo\b/, 'name'],
  [/\b(notes?|comments?|notas?|comentarios?)\b/, 'notes'],
  [/\b(street|address|direccion)\b/, 'address'],
  [/\b(city|ciudad)\b/, 'city'],
];

export type Guess = { field: LeadField; confidence: number; rank: number };

/** Maps a column's name to a lead field. Returns null when the name is not recognised. */
export function fieldOfHeader(name: string): Guess | null {
  const words = headerWords(name);
  // Numbered groups: Google's "Phone 2 - Value", "Address 1 - Street"; "Phone 3".
  const value = words.replace(/ value$/, '');
  const known =
    FIELD_OF.get(words) ??
    FIELD_OF.get(value) ??
    FIELD_OF.get(value.replace(/ \d$/, '')) ??
    FIELD_OF.get(`${value} name`);
  if (known) return { ...known, confidence: 1 };
  if (words === '' || NOT_A_FIELD.test(words)) return null;
  const keyword = KEYWORDS.find(([pattern]) => pattern.test(words));
  return keyword ? { field: keyword[1], confidence: 0.7, rank: 1_000 } : null;
}
