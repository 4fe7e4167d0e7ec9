import { type CountryCode, isSupportedCountry } from 'libphonenumber-js';

/** ISO 3166 codes of three letters, each after its code of two. */
const THREE =
  'AD AND AE ARE AF AFG AG ATG AI AIA AL ALB AM ARM AO AGO AQ ATA AR ARG AS ASM AT AUT AU AUS AW ABW AX ALA AZ AZE BA BIH BB BRB ' +
  'BD BGD BE BEL BF BFA BG BGR BH BHR BI BDI BJ BEN BL BLM BM BMU BN BRN BO BOL BQ BES BR BRA BS BHS BT BTN BV BVT BW BWA BY BLR ' +
  'BZ BLZ CA CAN CC CCK CD COD CF CAF CG COG CH CHE CI CIV CK COK CL CHL CM CMR CN CHN CO COL CR CRI CU CUB CV CPV CW CUW CX CXR ' +
  'CY CYP CZ CZE DE DEU DJ DJI DK DNK DM DMA DO DOM DZ DZA EC ECU EE EST EG EGY EH ESH ER ERI ES ESP ET ETH FI FIN FJ FJI FK FLK ' +
  'FM FSM FO FRO FR FRA GA GAB GB GBR GD GRD GE GEO GF GUF GG GGY GH GHA GI GIB GL GRL GM GMB GN GIN GP GLP GQ GNQ GR GRC GS SGS ' +
  'GT GTM GU GUM GW GNB GY GUY HK HKG HM HMD HN HND HR HRV HT HTI HU HUN ID IDN IE IRL IL ISR IM IMN IN IND IO IOT IQ IRQ IR IRN ' +
  'IS ISL IT ITA JE JEY JM JAM JO JOR JP JPN KE KEN KG KGZ KH KHM KI KIR KM COM KN KNA KP PRK KR KOR KW KWT KY CYM KZ KAZ LA LAO ' +
  'LB LBN LC LCA LI LIE LK LKA LR LBR LS LSO LT LTU LU LUX LV LVA LY LBY MA MAR MC MCO MD MDA ME MNE MF MAF MG MDG MH MHL MK MKD ' +
  'ML MLI MM MMR MN MNG MO MAC MP MNP MQ MTQ MR MRT MS MSR MT MLT MU MUS MV MDV MW MWI MX MEX MY MYS MZ MOZ NA NAM NC NCL NE NER ' +
  'NF NFK NG NGA NI NIC NL NLD NO NOR NP NPL NR NRU NU NIU NZ NZL OM OMN PA PAN PE PER PF PYF PG PNG PH PHL PK PAK PL POL PM SPM ' +
  'PN PCN PR PRI PS PSE PT PRT PW PLW PY PRY QA QAT RE REU RO ROU RS SRB RU RUS RW RWA SA SAU SB SLB SC SYC SD SDN SE SWE SG SGP ' +
  'SH SHN SI SVN SJ SJM SK SVK SL SLE SM SMR SN SEN SO SOM SR SUR SS SSD ST STP SV SLV SX SXM SY SYR SZ SWZ TC TCA TD TCD TF ATF ' +
  'TG TGO TH THA TJ TJK TK TKL TL TLS TM TKM TN TUN TO TON TR TUR TT TTO TV TUV TW TWN TZ TZA UA UKR UG UGA UM UMI US USA UY URY ' +
  'UZ UZB VA VAT VC VCT VE VEN VG VGB VI VIR VN VNM VU VUT WF WLF WS WSM XK XKX YE YEM YT MYT ZA ZAF ZM ZMB ZW ZWE';

/** What people write besides the names that the languages below know. */
const ALIASES: Readonly<Record<string, string>> = {
  US: 'united states of america|america|the states|usa|us of a|estados unidos de america|estados unidos|eeuu|ee uu|eua|etats unis d amerique|vereinigte staaten von amerika|u s',
  GB: 'uk|u k|great britain|britain|england|scotland|wales|northern ireland|united kingdom of great britain and northern ireland|uk gb|grossbritannien|england uk|scotland uk|wales uk|gran bretana|inglaterra|angleterre|grande bretagne|n ireland|ireland northern',
  AE: 'uae|u a e|emirates|dubai|abu dhabi',
  BA: 'bosnia',
  BO: 'plurinational state of bolivia',
  AS: 'samoa american',
  CD: 'drc|dr congo|democratic republic of the congo|democratic republic of congo|congo democratic republic of the|congo the democratic republic of the|congo democratic republic|congo kinshasa',
  CG: 'congo|republic of the congo|congo brazzaville',
  CI: 'ivory coast|cote divoire',
  CN: 'prc|pr china|p r china|people s republic of china|mainland china',
  CV: 'cape verde',
  CZ: 'czech republic|ceska republika',
  DE: 'brd|federal republic of germany|bundesrepublik deutschland',
  DO: 'dominican rep|rep dominicana|rd',
  FM: 'micronesia federated states of',
  GR: 'el|hellas',
  HK: 'hong kong|hongkong|hk sar|hong kong sar|china hong kong sar|china hong kong special administrative region',
  IE: 'eire|republic of ireland',
  IR: 'islamic republic of iran|persia',
  KP: 'dprk|democratic people s republic of korea|korea democratic people s republic of|korea north|n korea',
  KR: 'korea|republic of korea|rok|korea republic of|korea south|s korea',
  LA: 'lao|lao people s democratic republic',
  MD: 'republic of moldova',
  MK: 'macedonia|fyrom|republic of north macedonia',
  MM: 'burma',
  MO: 'macau|macao|macau sar|macao sar|china macao sar|china macao special administrative region',
  MX: 'mejico|estados unidos mexicanos',
  NL: 'holland|nederland|holanda|hollande',
  PS: 'palestine|palestina|state of palestine|palestinian territory|palestinian territories|palestinian territory occupied',
  RU: 'russian federation|russia federation',
  SA: 'ksa|saudi|kingdom of saudi arabia',
  SS: 'sudan south',
  SY: 'syrian arab republic',
  SZ: 'swaziland',
  TL: 'east timor',
  TT: 'trinidad',
  TR: 'turkey|republic of turkey|turkiye',
  TW: 'republic of china|taiwan province of china|roc',
  TZ: 'united republic of tanzania',
  VA: 'vatican|holy see',
  VE: 'bolivarian republic of venezuela',
  VG: 'virgin islands british|british virgin islands|bvi',
  VI: 'us virgin islands|u s virgin islands|virgin islands us|virgin islands u s|virgin islands united states|usvi',
  VN: 'viet nam',
  ZA: 'rsa|republic of south africa',
  GQ: 'guinea equatorial',
};

/** Languages whose names for countries are understood; the first ones are those of the column names. */
const LANGUAGES =
  'en es de fr pt it nl pl sv da nb fi tr ru uk zh zh-Hant ja ko ar fa he hi bn el cs hu ro bg hr sr sr-Latn sk sl et lv lt is ga sq mk th vi id ms ca eu gl af sw ur ka hy az kk uz'.split(
    ' ',
  );

let names: Map<string, string> | undefined;
const answers = new Map<string, string | null>();
const MOST_ANSWERS = 2_000;
/** Longer than any name; longer texts are not read. */
const LONGEST = 100;

/**
 * The ISO 3166 code of a country given by a code of two or three letters, or by name in English and many other languages.
 * Returns null for other texts.
 */
export function countryCode(text: string | null | undefined): string | null {
  if (!text || text.length > LONGEST) return null;
  let answer = answers.get(text);
  if (answer === undefined) {
    answer = find(text);
    // The texts are those of uploads, which repeat a few; a file of random ones must not fill the memory.
    if (answers.size >= MOST_ANSWERS) answers.clear();
    answers.set(text, answer);
  }
  return answer;
}

function find(text: string): string | null {
  names ??= readNames();
  const folded = fold(text);
  const direct = names.get(folded) ?? names.get(folded.replace(/ /g, ''));
  if (direct !== undefined) return direct;
  // "Germany (DE)", "US - United States", "Mexico, MX"
  const parts = text.split(/[()[\],/|]|\s[-–—]\s/).map(fold);
  const found = new Set(parts.flatMap((part) => names?.get(part) ?? []));
  const [only] = found;
  return found.size === 1 ? (only ?? null) : null;
}

/** Lower case without accents and punctuation, so that `Côte d’Ivoire`, `U.S.A.` and `the Netherlands` are recognised. */
const fold = (text: string): string =>
  text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/ß/g, 'ss')
    .replace(/&/g, ' and ')
    .replace(/\bst\b\.?/g, 'saint')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
    .replace(/^the /, '');

function readNames(): Map<string, string> {
  const found = new Map<string, string>();
  const add = (name: string, code: string) => {
    const key = fold(name);
    if (key !== '' && !found.has(key)) found.set(key, code);
  };
  const pairs = THREE.split(' ');
  const codes = pairs.filter((code) => code.length === 2);
  for (const code of codes) add(code, code);
  for (const [code, aliases] of Object.entries(ALIASES))
    for (const name of aliases.split('|')) add(name, code);
  for (let i = 0; i < pairs.length; i += 2) add(pairs[i + 1]!, pairs[i]!);
  for (const language of LANGUAGES) {
    for (const style of ['long', 'short'] as const) {
      const read = new Intl.DisplayNames([language], { type: 'region', fallback: 'none', style });
      for (const code of codes) add(read.of(code) ?? '', code);
    }
  }
  return found;
}

/** The countries whose numbering plan is known. Returns null for others, and for texts that name no country. */
export function phoneRegion(text: string | null | undefined): CountryCode | null {
  const code = countryCode(text);
  return code !== null && isSupportedCountry(code) ? code : null;
}
