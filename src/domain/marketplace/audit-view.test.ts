import { describe, expect, it } from 'vitest';
import { auditView } from './audit-view.ts';

describe('a row of the audit log', () => {
  it.each([
    [null, null],
    [{}, {}],
    [
      { name: 'Solar', is_active: false, created_at: 'now' },
      { name: 'Solar', isActive: false },
    ],
    [
      { price_minor: 1250, max_sales: null },
      { pricePerLead: 12.5, maxSales: null },
    ],
    [
      { monthly_spending_limit_minor: null, weekly_spending_limit_minor: 500 },
      { monthlySpendingLimit: null, weeklySpendingLimit: 5 },
    ],
    [
      { keys: ['sk_AbCdEf'], test_mode: true },
      { keys: ['sk_AbCdEf'], testMode: true },
    ],
    [{ hash: 'h', key: 'k', password: 'p', invite_code: 'c', secret: 's', token_hash: 't' }, {}],
  ])('%j is shown as %j', (row, shown) => {
    expect(auditView(row)).toEqual(shown);
  });
});
