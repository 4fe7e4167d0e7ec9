import { minorToDollars } from './dollars.ts';

/** What the audit list shows of a row. Everything else of it, such as what a later column adds, stays inside. */
const shownKeys = new Set([
  ...['name', 'description', 'email', 'status', 'role', 'active', 'isActive'],
  ...[
    'categoryId',
    'fields',
    'pricePerLead',
    'distributionLogic',
    'allowStateSelection',
    'maxSales',
    'leadTtlHours',
  ],
  ...[
    'campaignId',
    'buyerId',
    'supplierId',
    'dailyCap',
    'states',
    'waterfallPriority',
    'onShortWallet',
    'endedAt',
  ],
  ...['companyName', 'phone', 'phoneNumber', 'priority', 'monthlySpendingLimit', 'weeklySpendingLimit'],
  ...['autoRechargeEnabled', 'autoRechargeThreshold', 'autoRechargeAmount', 'amount', 'flaggedAt'],
  ...['categories', 'testMode', 'keys', 'contactName', 'timeZone', 'branding', 'requireTwoFactor'],
  ...['smsMarkup', 'emailMarkup', 'platformFeePercent'],
  ...['smsMarkupBasisPoints', 'emailMarkupBasisPoints', 'platformFeeBasisPoints'],
]);

const camel = (key: string): string =>
  key.replace(/_([a-z0-9])/g, (_all, sign: string) => sign.toUpperCase());

/** A row of the audit log under the names that the API uses, amounts in dollars. Returns null for null. */
export function auditView(row: Readonly<Record<string, unknown>> | null): Record<string, unknown> | null {
  if (row === null) return null;
  const shown: Record<string, unknown> = {};
  for (const [column, value] of Object.entries(row)) {
    const amount = /^(.+?)_?minor$/i.exec(column)?.[1];
    const name = amount === undefined ? camel(column) : amount === 'price' ? 'pricePerLead' : camel(amount);
    if (!shownKeys.has(name)) continue;
    shown[name] = amount !== undefined && typeof value === 'number' ? minorToDollars(value) : value;
  }
  return shown;
}
