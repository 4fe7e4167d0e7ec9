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
    .replace(/(?<![\p{L}\p{N}])e[\s_-]?mail/gu, 'email')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

/** Words around a name that say nothing about it: `What is your name?`, `Phone (with area code)`. */
const BEFORE =
  /^(?:what (?:is |are )?|please (?:enter |provide |type |share |confirm )|enter |type |provide |cual es |indique |ingrese |escriba |wie (?:ist|lautet) |quel(?:le)? est |qual e )/;
const AFTER =
  / (?:required|optional|mandatory|obligatorio|obligatoria|requerido|opcional|pflichtfeld|obligatoire|facultatif|obrigatorio|if applicable|if any|(?:with|including|incl) (?:area|country) code|first and last)$/;

/**
 * The words of a column as the names below have them. Unlike `headerWords`, which stored mappings are found by, it parts
 * `Phone1` and `POCity`, and reads `#` as a word.
 */
function columnWords(name: string): string {
  const parted = name
    .slice(0, 500)
    .replace(/whats\s?app/gi, 'whatsapp')
    .replace(/(\p{Lu})(?=\p{Lu}\p{Ll})/gu, '$1 ')
    .replace(/(\p{L}{2})(?=\d)/gu, '$1 ')
    .replace(/#(?!\s*\d)/g, ' number ');
  const words = headerWords(parted);
  const asked = words.replace(BEFORE, '');
  return (asked === '' ? words : asked).replace(AFTER, '');
}

/**
 * Column names of common exports, normalized by `columnWords`: Google Contacts (old and new), Outlook (both), HubSpot,
 * Salesforce (reports and Data Loader), Dynamics, Xero, Meta lead ads, GoHighLevel, and plain English and Spanish. Names are listed
 * by preference: where a file has several columns for one field, the earliest name wins.
 */
const NAMES: Readonly<Record<LeadField, string>> = {
  name: `name|full name|fullname|contact name|customer name|client name|lead name|display name|your name|nombre completo
    |nombre y apellido|nombre y apellidos|nombres y apellidos|nombre del cliente|cliente|contacto|customer|client
    |contact|lead|file as|contact person|person|nome completo|nome do cliente|nome e cognome|nome|nom complet
    |nom et prenom|vollstandiger name|vor und nachname|kundenname|kunde|ansprechpartner|first and last name
    |first last name|first name and last name|first name last name|last name first name|name first and last|first last
    |last first|nombres y apellido|nombre y apellido s|nombre apellido|nombre apellidos
    |nombre s y apellido s|apellidos y nombre|apellidos y nombres|apellido y nombre|name vorname|vorname name
    |vorname nachname|nachname vorname|vorname und nachname|nom prenom|prenom nom|prenom et nom|nome cognome
    |cognome nome|cognome e nome|nome e sobrenome|patient|applicant|homeowner|attendee|invitee|student`,
  first_name: `first name|firstname|given name|first|fname|forename|f name|christian name
    |name first|nombres|nombre s|nombre de pila|primer nombre|nombre|vorname|prenom|primeiro nome`,
  last_name: `last name|lastname|family name|surname|last|lname|l name|name last|apellidos|apellido
    |primer apellido|nachname|familienname|zuname|nom de famille|sobrenome|apelido|cognome`,
  phone: `phone|phone number|phone #|telephone|telephone number|tel|tel number|mobile|mobile phone|mobile number
    |mobile phone number|mobilephone|cell|cell phone|cell number|cellphone|contact number|contact phone|home phone
    |home phone 2|business phone|business phone 2|work phone|work phone number|primary phone|main phone|other phone
    |car phone|company main phone|company phone|customer phone|day phone|evening phone|phone no|no phone|phone mobile
    |phone home|phone work|additional phones|additional phone|secondary phone|alternate phone|whatsapp
    |whatsapp number|whatsapp phone number|hs whatsapp phone number|telefono|telefonos|numero de telefono
    |numero telefonico|telefono movil|telefono celular|telefono de casa|telefono fijo|telefono principal
    |telefono del trabajo|movil|celular|numero de celular|numero de movil|numero movil|num telefono|no telefono
    |telefon|telefonnummer|rufnummer|handy|handynummer|mobil|mobiltelefon|mobilnummer|telefon mobil|telefon privat
    |telefon geschaftlich|telefon geschaeftlich|numero de telephone|tel portable|telephone portable|portable
    |telephone mobile|telephone fixe|telefone|numero de telefone|telemovel|telefone celular|numero do celular
    |cellulare|numero di telefono|phone 1|phone 2|phone 3|phones|ph|mob|landline|land line|handphone|hand phone|msisdn
    |home number|work number|office number|daytime number|day number|evening number|primary number|main number|best number
    |best contact number|best number to reach you|number to reach you|direct line|direct dial|sms number|text number
    |text reminder number|caller number|from number|numero de contacto|numero de portable|numero di cellulare
    |phonenumber|telefonnr|handynr|contact no|phone e 164|phone e164|e164`,
  email: `email|email address|emails|mail|primary email|work email|home email|personal email|contact email
    |customer email|additional emails|email 2 address|email 3 address|correo|correo electronico|direccion de correo
    |direccion de correo electronico|direccion de email|e correo|email adresse|emailadresse
    |adresse email|adresse mail|adresse electronique|courriel|adresse de courriel|endereco de email|correio eletronico
    |indirizzo email|email id|mail id|mailadresse|mail adresse|adresse courriel|posta elettronica|internet email`,
  notes: `notes|note|description|comments|comment|message|remarks|details|customer notes|lead notes|notas|nota
    |comentarios|comentario|observaciones|mensaje|descripcion|detalles|notizen
    |notiz|bemerkungen|bemerkung|kommentar|nachricht|remarques|remarque|commentaires|commentaire|observacoes|notas
    |comentarios|mensagem|memo|inquiry|enquiry|additional information|special requests|special instructions
    |how can we help|how can we help you|project details|tell us about your project|anmerkungen|anmerkung|messaggio
    |osservazioni`,
  company: `company|company name|business name|organization|organization name|organisation|organization 1 name
    |account name|company account|associated company|employer|empresa|nombre de la empresa|nombre de empresa
    |compania|negocio|organizacion|firma|firmenname|unternehmen|societe|entreprise|nom de l entreprise|raison sociale
    |nome da empresa|azienda|firm name|practice name|companyname|empresa asociada|razon social|ragione sociale`,
  address: `address|address 1|address1|street address|street|address line 1|full address|mailing street
    |mailing address|mailing address line 1|home address|home street|business street|business address|billing street
    |billing address|other street|shipping street|postal address|property address|address 1 street|direccion
    |direccion 1|domicilio|calle|calle y numero|direccion postal
    |addr|addr1|street 1|street1|street line 1|adresse|anschrift|strasse|straße|strasse und hausnummer|straße und hausnummer
    |rue|adresse postale|endereco|rua|morada|indirizzo
    |address 1 line 1|address 1 line 2|strasse nr|straße nr|strasse hausnummer|straße hausnummer`,
  city: `city|town|city town|mailing city|home city|business city|billing city|other city|shipping city
    |property city|address 1 city|ciudad|localidad|poblacion|municipio|ciudad localidad|suburb
    |ort|stadt|wohnort|ville|commune|cidade|citta|locality`,
  state: `state|state region|state province|province|region|county|mailing state|mailing state province|home state
    |business state|billing state|billing state province|other state|shipping state|property state|address 1 region
    |provincia|departamento|estado provincia|estado|comunidad autonoma|state code|province code
    |region code|state or province|state province region|state name|province name|bundesland|departement|uf
    |province state|stateorprovince|estado region|prov|state territory|state prov|state us|state province region county territory prefecture republic`,
  postal_code: `postal code|zip|zip code|zipcode|zip postal code|postcode|post code|postalcode|mailing zip
    |mailing postal code|mailing zip postal code|home postal code|business postal code|billing zip
    |billing postal code|billing zip postal code|other postal code|shipping zip|property zip|address 1 postal code
    |codigo postal|cod postal|cp|c p|zip or postal code|zip code postal code
    |postal zip code|postal|plz|postleitzahl|code postal|cep|codigo de endereçamento postal|cap
    |eircode|pincode|pin code`,
  country: `country|country region|mailing country|home country|home country region|business country
    |business country region|billing country|other country|other country region|address 1 country|pais
    |pais region|nacion|country name|country code|country iso|country iso code|land|pays|nazione|paese|land region`,
  website: `website|website url|web page|web site|url|website 1 value|company website|personal web page|sitio web
    |pagina web|web|homepage|websiteurl|webseite|site web|site internet|site`,
  tags: `tags|tag|labels|label|categories|group membership|groups|lists|segments|etiquetas|etiqueta|categorias
    |grupos|schlagworter|etikett|etiketten|etiquettes|kategorien`,
  source: `source|lead source|original source|original traffic source|hs analytics source|contact source
    |first source|latest source|channel|platform|origen|fuente|origen del lead|canal|quelle|herkunft|origine|provenance
    |origem|utm source|referral source|traffic source|marketing source|how did you hear about us
    |where did you hear about us`,
};

const FIELD_OF = new Map<string, { field: LeadField; rank: number }>();
for (const [field, names] of Object.entries(NAMES) as [LeadField, string][]) {
  for (const [rank, name] of names.split('|').entries()) FIELD_OF.set(columnWords(name), { field, rank });
}

/**
 * Words that exports put before or after a field. Columns of one group describe one person or one place, and columns of
 * two groups are never mixed; '' is the person that the row is about.
 */
const GROUPS: Readonly<Record<string, string>> = {
  '': `contact|customer|client|lead|invitee|attendee|guest|person|buyer|member|subscriber|patient|student|applicant|prospect
    |participant|registrant|respondent|requester|candidate|visitor|booker|tenant|donor|primary|main|principal
    |default|default address|user|account|your|my|the|current|preferred|best|cliente|contacto|invitado|comprador|titular
    |paciente|alumno|kunde|kunden|kontakt|hauptkontakt|client principal|contato|name|address|homeowner|borrower
    |insured|policyholder|account holder|owner 1|legal|complete|tu|tus|su|sus|votre|ihr|ihre|dein|deine|seu|sua`,
  billing: `billing|bill to|bill|billing address|invoice|invoicing|payer|payment|sold to|facturacion|rechnung|rechnungs
    |facturation|faturamento|cobranca|pagador`,
  mailing: 'mailing|mailing address|mail to|postal|postal address|correspondence|postal mailing|po',
  home: 'home|home address|sa|residential|residence|personal|private|casa|personal address|privat|domicile|residencial',
  work: `business|business address|work|work address|office|company|company address|organization|organisation|employer
    |firm|practice|empresa|trabajo|oficina|firma|geschaftlich|buero|buro|travail|societe|trabalho`,
  shipping: `shipping|ship to|ship|shipping address|delivery|delivery address|recipient|deliver to|envio|entrega|lieferung
    |liefer|livraison`,
  property: 'property|property address|site|service|service address|job|job site|location',
  other:
    'other|other address|secondary|alternate|alternative|additional|second|otro|otra|weitere|autre|outro',
};

const GROUP_OF = new Map<string, string>();
for (const [group, words] of Object.entries(GROUPS))
  for (const word of words.split('|')) GROUP_OF.set(columnWords(word), group);
const GROUP_ORDER = Object.keys(GROUPS);
/** In Spanish, Portuguese, Italian and French the group comes last: "apellidos del cliente". */
const LINK = /^(?:de|del|de la|de los|do|da|di|du|des|of|of the|for|para|fur|pour)$/;

/** A header with one of these words is not a lead field, even if another word matches ("phone type", "email status"). */
const NOT_A_FIELD =
  /\b(fax|pager|telex|tty|isdn|assistant|callback|manager|spouse|yomi|phonetic|label|type|id|owner|status|date|time|opt|opts|consent|consents|valid|verified|count|score|domain|extension|ext|formatted|po box|created|modified|campaign|ad|adset|form|bounce|bounced|last(?! name)|days|number of|pronunciation|display name|user|country code|accepts?|accepted|marketing|newsletter|subscribed|subscription|subscriber|unsubscribed?|delivered|delivery|deliverable|opened|opens|clicked|clicks|sent|replied|permission|permissions|preference|preferences|preferred|notifications?|reminders?|template|subject|body|blacklisted|suppressed|blocked|enabled|allowed?|confirmed|hash|hashed|ip|mac|wallet|referr?er|referr?al|referred|emergency|rep|agent|assigned|assignee|sender|host|organi[sz]er|sales|advisor|employee|staff|realtor|partner|co applicant|coapplicant|prefix|suffix|title|salutation|middle|nickname|username|carrier|provider|latitude|longitude|timezone|language|lender|co borrower|coborrower|attorney|lawyer|vendor|supplier|technician|therapist|instructor|teacher|landlord|cc|bcc|to email|tracking|street number|house number)\b/;

/** Columns about another person or another device, which no look at their cells can tell from the lead's. */
const OF_OTHERS =
  /\b(?:fax|pager|tracking|agent|assistant|manager|spouse|emergency|rep|sender|host|organi[sz]er|sales|advisor|employee|staff|realtor|partner|referr?er|referr?al|referred|(?:contact|lead|account|deal|record) owner|assigned|assignee|created|modified|updated|lender|co (?:applicant|borrower)|coapplicant|coborrower|attorney|lawyer|vendor|supplier|technician|therapist|instructor|teacher|landlord|cc|bcc|to email)\b/;

export function isOfOthers(name: string): boolean {
  const words = columnWords(name);
  return OF_OTHERS.test(words) || SECOND_PERSON.test(words);
}

const NAME_OF_COMPANY = /\bname of (?:your |the )?(?:company|business|organi[sz]ation)\b/;

/** Keywords that identify a field in a name that is not listed: "Best phone to reach you". The first match wins. */
const KEYWORDS: readonly [RegExp, LeadField][] = [
  [/\bemail|correo\b/, 'email'],
  [
    /\b(phone|telephone|mobile|cell|cellular|telefono|celular|movil|whatsapp|tel|telefon|handy|telefone|number to (?:reach|call|text))\b/,
    'phone',
  ],
  [/\b(zip|postal code|postcode|codigo postal|plz|code postal)\b/, 'postal_code'],
  [/^(?:home|work|office)$/, 'phone'],
  [/\b(first|given) name\b/, 'first_name'],
  [/\b(last|family) name|\bsurname|\bapellidos?\b/, 'last_name'],
  [/\bfull name|nombre completo\b/, 'name'],
  [/\b(company|business|organi[sz]ation) name\b/, 'company'],
  [NAME_OF_COMPANY, 'company'],
  [/\b(notes?|comments?|notas?|comentarios?)\b/, 'notes'],
  [/\b(street|address|direccion)\b/, 'address'],
  [/\b(city|ciudad)\b/, 'city'],
];

/** `listed`: the name is in the table, with or without a group; otherwise a keyword was found in it. */
export type Guess = {
  field: LeadField;
  confidence: number;
  rank: number;
  group: string;
  listed: boolean;
  /** A second line of an address, which continues the first: `Address 2`, `Street Line 2`. */
  continues: boolean;
};

const SECOND_LINE = /\b(?:address|addr|street|line|direccion|calle)(?: line)? ?[23]$/;
/** `Contact 2 Phone` is another person's; `Phone 2` is not. */
const SECOND_PERSON =
  /^(?:contact|person|owner|applicant|borrower|buyer|guest|attendee|client|customer|insured|member) [2-9]\b/;
/** Names of things that are written like names of people. */
const NEVER = new Set(['user name', 'username', 'contact us']);

/** Maps a column's name to a lead field. Returns null when the name is not recognised. */
export function fieldOfHeader(name: string): Guess | null {
  const words = columnWords(name);
  if (words === '' || NEVER.has(words) || SECOND_PERSON.test(words)) return null;
  const continues = SECOND_LINE.test(words);
  const known = listed(words);
  if (known) return { ...known, confidence: 1, group: groupIn(words), listed: true, continues };
  const grouped = NAME_OF_COMPANY.test(words)
    ? null
    : withoutGroup(words, /\([^()]*\)\s*$/.test(name.slice(0, 500)));
  if (grouped) return { ...grouped, continues };
  if (NOT_A_FIELD.test(words)) return null;
  const keyword = KEYWORDS.find(([pattern]) => pattern.test(words));
  if (!keyword) return null;
  return { field: keyword[1], confidence: 0.7, rank: 1_000, group: groupIn(words), listed: false, continues };
}

function listed(words: string): { field: LeadField; rank: number } | undefined {
  // Numbered groups: Google's "Phone 2 - Value", "Address 1 - Street"; "Phone 3".
  const value = words.replace(/ value$/, '');
  return (
    FIELD_OF.get(words) ??
    FIELD_OF.get(value) ??
    FIELD_OF.get(value.replace(/ \d$/, '')) ??
    FIELD_OF.get(`${value} name`) ??
    listedPhone(value)
  );
}

/** `Mobile No.`, `Telefon-Nr.`, `WhatsApp numbers`: of other fields it is a number that says something else. */
function listedPhone(words: string): { field: LeadField; rank: number } | undefined {
  const found = FIELD_OF.get(words.replace(/ (?:no|nos|nr|num|numbers?)$/, ''));
  return found?.field === 'phone' ? found : undefined;
}

/** Google's second address: "Address 2 - Street". */
const NUMBERED_ADDRESS = /^(address [2-9]) /;
/** Words of a name that is looked at for groups; longer names are questions of a form. */
const MOST_WORDS = 8;

/**
 * `billing first name`, `default address company`, `apellidos del cliente`, `phone (shipping)`. `inBrackets`: the last
 * words say whose it is.
 */
function withoutGroup(words: string, inBrackets: boolean): Omit<Guess, 'continues'> | null {
  const parts = words.split(' ');
  if (parts.length < 2 || parts.length > MOST_WORDS) return null;
  const readings = inBrackets ? [groupAfter, groupBefore] : [groupBefore, groupAfter];
  for (let rest = parts.length - 1; rest >= 1; rest -= 1) {
    for (const reading of readings) {
      const found = reading(parts, rest);
      if (found) return found;
    }
  }
  return null;
}

function groupBefore(parts: readonly string[], rest: number): Omit<Guess, 'continues'> | null {
  const group = groupNamed(parts.slice(0, parts.length - rest));
  const words = parts.join(' ');
  if (
    group === null ||
    (rest === 1 && (GROUP_ONLY.test(words) || (group === 'property' && / name$/.test(words))))
  )
    return null;
  const found = listed(parts.slice(-rest).join(' '));
  return found ? guessIn(found, NUMBERED_ADDRESS.exec(words)?.[1] ?? group) : null;
}

function groupAfter(parts: readonly string[], rest: number): Omit<Guess, 'continues'> | null {
  const group = groupNamed(withoutLink(parts.slice(rest)));
  const found = group === null ? undefined : listed(parts.slice(0, rest).join(' '));
  // "State of the lead", "Estado del cliente".
  if (found?.field === 'state' && group === '' && LINK.test(parts[rest]!)) return null;
  return found && group !== null ? guessIn(found, group) : null;
}

/** Names that mean something else after another word: "company (customer)", "Address 1 - Label", "Additional Name". */
const GROUP_ONLY = / (?:customer|client|lead|cliente|kunde|labels?)$|^additional name$/;

const guessIn = (found: { field: LeadField; rank: number }, group: string): Omit<Guess, 'continues'> => ({
  field: found.field,
  confidence: 0.9,
  rank: found.rank + 100 * (1 + Math.max(0, GROUP_ORDER.indexOf(group))),
  group,
  listed: true,
});

function withoutLink(words: readonly string[]): readonly string[] {
  if (LINK.test(words.slice(0, 2).join(' '))) return words.slice(2);
  return LINK.test(words[0] ?? '') ? words.slice(1) : words;
}

/** The group that these words name, one after the other; of several the one that is not ''. Null when a word is unknown. */
function groupNamed(words: readonly string[]): string | null {
  if (words.length === 0) return null;
  const whole = GROUP_OF.get(words.join(' '));
  if (whole !== undefined) return whole;
  let group = '';
  for (const word of words) {
    const named = /^\d$/.test(word) ? '' : GROUP_OF.get(word);
    if (named === undefined) return null;
    group = named || group;
  }
  return group;
}

/** The group of a name that is listed with it: `mailing street`, `address 2 street`. */
function groupIn(words: string): string {
  const numbered = NUMBERED_ADDRESS.exec(words);
  if (numbered) return numbered[1]!;
  // "Postal Code" is no part of a postal address beside a street one.
  const [first = ''] = words.replace(/^postal (?=code|zip)/, '').split(' ');
  const group = GROUP_OF.get(first) ?? '';
  return words.includes(' ') ? group : '';
}
