import { buildApp, type RouteEntry } from '../../src/api/app.ts';
import { loadConfig } from '../../src/config.ts';
import { createRuntime } from '../../src/runtime.ts';
import type { Schema } from './schema.ts';

export type Route = {
  method: string;
  url: string;
  query: Record<string, Schema>;
  body: Schema | null;
  consumes: readonly string[];
  /** Fields of the form that a page sends here. */
  fields: readonly string[];
  /** Columns of the file that is sent here. */
  columns: readonly string[];
};
export type Surface = { routes: Route[]; documented: number };

/** Forms of pages, which /openapi.json does not describe. */
const fields: Record<string, readonly string[]> = {
  'POST /login': ['email', 'password', 'next'],
  'POST /login/google': ['next'],
  'POST /set-password/:token': ['password', 'again'],
  'POST /companies': [
    'company_name',
    'owner_name',
    'owner_email',
    'owner_phone',
    'ghl_location_id',
    'ghl_token',
    'default_region',
  ],
  'POST /dashboard/:company_id/lead': ['name', 'phone', 'email', 'notes'],
  'POST /dashboard/:company_id/people': ['member_name', 'member_email'],
  'POST /dashboard/:company_id/settings/crm': ['token', 'location_id', 'api_version', 'rate_share'],
  'POST /dashboard/:company_id/settings/keys': ['key_name'],
  'POST /dashboard/:company_id/settings/leads': ['tags', 'source_label', 'dedupe_days', 'default_region'],
  'POST /dashboard/:company_id/settings/mapping': ['name-0', 'field-0', 'name-1', 'field-1'],
  'POST /dashboard/:company_id/imports/:import_id/preview': ['column-0', 'column-1', 'encoding', 'delimiter'],
  'POST /dashboard/:company_id/imports/:import_id/start': ['column-0', 'column-1', 'again'],
};
const party = ['companyName', 'phoneNumber'];
const newCampaign = [
  'name',
  'description',
  'categoryId',
  'pricePerLead',
  'distributionLogic',
  'maxSales',
  'leadTtlHours',
  'allowStateSelection',
];
const newCategory = [
  'name',
  'description',
  'more',
  'field-0-name',
  'field-0-type',
  'field-0-required',
  'field-0-locked',
  'field-0-options',
  'field-1-name',
  'field-1-type',
  'field-99-name',
  'field-100-name',
];
const accountForm = ['email', 'password', 'again'];
/** The same of the marketplace and of accounts. */
const marketFields: Record<string, readonly string[]> = {
  'POST /market/buyers': [...party, 'name', 'email', 'password', 'priority'],
  'POST /market/buyers/:id': [...party, 'status', 'priority', 'weeklySpendingLimit', 'monthlySpendingLimit'],
  'POST /market/buyers/:id/wallet/give-back': ['amount'],
  'POST /market/campaigns': newCampaign,
  'POST /market/campaigns/:id': [...newCampaign, 'status'],
  'POST /market/categories': newCategory,
  'POST /market/categories/:id': newCategory,
  'POST /market/profile': party,
  'POST /market/settings': [
    'smsMarkup',
    'emailMarkup',
    'timeZone',
    'senderName',
    'logoUrl',
    'primaryColor',
    'footer',
  ],
  'POST /market/subscriptions/:id': ['dailyCap', 'waterfallPriority', 'states', 'onShortWallet', 'status'],
  'POST /market/suppliers': ['name', 'email', 'category-x'],
  'POST /market/suppliers/:id': ['name', 'email', 'status', 'testMode', 'category-x'],
  'POST /market/suppliers/:id/test': ['data-firstName', 'data-email', 'data-roofAge', 'state', 'quality'],
  'POST /market/team/invitations': ['name', 'email', 'role', 'buyerId', 'supplierId'],
  'POST /market/wallet/funds': ['amount', 'paymentMethodId'],
  'POST /market/wallet/settings': ['autoRechargeEnabled', 'autoRechargeThreshold', 'autoRechargeAmount'],
  'POST /account/organization': ['organization'],
  'POST /account/organization/security': ['requireTwoFactor'],
  'POST /account/password': ['current', 'password', 'again'],
  'POST /account/second-factor': ['password'],
  'POST /account/second-factor/codes': ['password'],
  'POST /account/second-factor/confirm': ['code'],
  'POST /account/second-factor/off': ['password'],
  'POST /register': [...accountForm, 'name', 'companyName'],
  'POST /register/buyer': [...accountForm, ...party, 'name', 'inviteCode'],
  'POST /forgot-password': ['email'],
  'POST /reset-password/:token': ['password', 'again'],
  'POST /verify-email/:token': ['password', 'again'],
  'POST /invitation/:token': ['name', 'password', 'again'],
  'POST /login/second-factor': ['code', 'next'],
};
/** Query parameters of pages. */
const queries: Record<string, readonly string[]> = {
  'GET /console': ['status', 'q', 'before'],
  'GET /companies': ['q', 'before', 'after'],
  'GET /dashboard/:company_id': ['status', 'q', 'before'],
  'GET /dashboard/:company_id/imports': ['before', 'cursor'],
  'GET /dashboard/:company_id/settings': ['saved'],
  'GET /oauth/ghl/callback': ['code', 'state', 'error'],
  'GET /p/:token': ['from'],
  'GET /login': ['next'],
  'GET /account': ['done', 'needs'],
  'GET /register/buyer': ['code', 'error'],
  'GET /market': ['page'],
  'GET /market/audit': ['subject', 'page'],
  'GET /market/buyers': ['status', 'page'],
  'GET /market/buyers/:id/wallet': ['page'],
  'GET /market/campaigns': ['status', 'page'],
  'GET /market/categories': ['status'],
  'GET /market/leads': ['status', 'category', 'from', 'to', 'page'],
  'GET /market/suppliers/:id/test': ['campaign'],
  'POST /market/suppliers/:id/test': ['campaign'],
  'GET /market/team': ['page', 'limit'],
  'GET /market/wallet': ['notice', 'page'],
  'POST /market/campaigns/:id/leads': ['key'],
  'GET /queues/api/queues': ['activeQueue', 'status', 'page', 'jobsPerPage'],
  'GET /queues/api/queues/:queueName/metrics': ['type'],
};
const leadColumns = ['firstName', 'email', 'phone', 'roofAge', 'roof', 'since', 'state', 'quality', 'more'];
/** The columns of files that the marketplace reads. */
const columnsOf: Record<string, readonly string[]> = {
  '/market/campaigns/:id/leads': leadColumns,
  '/api/campaigns/:id/leads/import': leadColumns,
  '/api/buyers/import': [
    'email',
    'name',
    'companyName',
    'priority',
    'phoneNumber',
    'status',
    'monthlySpendingLimit',
    'weeklySpendingLimit',
  ],
  '/api/campaigns/subscriptions/import': [
    'buyerEmail',
    'campaignId',
    'status',
    'dailyCap',
    'states',
    'waterfallPriority',
    'onShortWallet',
  ],
};

const filesOf = ['/dashboard/:company_id/upload', ...Object.keys(columnsOf)];

type Operation = {
  parameters?: { name: string; in: string; schema?: Schema }[];
  requestBody?: { content: Record<string, { schema?: Schema }> };
};
type OpenApi = { paths: Record<string, Record<string, Operation>> };

/** Every route of the product: those of /openapi.json with their schemas, and the hidden ones from the route table. */
export async function surfaceOf(databaseUrl: string): Promise<Surface> {
  const config = loadConfig({ DATABASE_URL: databaseUrl, LOG_LEVEL: 'silent' });
  const runtime = await createRuntime(config, { name: 'fuzz', pool: 2, namespace: 'fuzz' });
  try {
    const app = await buildApp(runtime, { pages: true });
    await app.ready();
    const table = app.getDecorator<RouteEntry[]>('routeTable');
    const openapi = (await app.inject({ url: '/openapi.json' })).json<OpenApi>();
    await app.close();
    const seen = new Map<string, Route>();
    for (const { method, url } of table)
      if (!['HEAD', 'OPTIONS'].includes(method)) seen.set(`${method} ${url}`, routeOf(method, url, openapi));
    const routes = [...seen.values()];
    return {
      routes,
      documented: routes.filter(({ method, url }) => operationOf(openapi, method, url)).length,
    };
  } finally {
    await runtime.close();
  }
}

const operationOf = ({ paths }: OpenApi, method: string, url: string): Operation | undefined =>
  paths[url.replace(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()];

function routeOf(method: string, url: string, openapi: OpenApi): Route {
  const name = `${method} ${url}`;
  const operation = operationOf(openapi, method, url);
  const query: Record<string, Schema> = Object.fromEntries((queries[name] ?? []).map((each) => [each, {}]));
  for (const parameter of operation?.parameters ?? [])
    if (parameter.in === 'query') query[parameter.name] = parameter.schema ?? {};
  const content = operation?.requestBody?.content ?? {};
  const consumes = filesOf.includes(url) ? ['text/csv'] : Object.keys(content);
  return {
    method,
    url,
    query,
    body: content['application/json']?.schema ?? null,
    consumes: method === 'POST' ? consumes : [],
    fields: fields[name] ?? marketFields[name] ?? [],
    columns: columnsOf[url] ?? [],
  };
}
