/** What the documentation shows of leads: sent, answered and decided. */

const campaignId = '0197a3c2-5b1e-7c44-9d55-2f6f3a1f0a12';
const categoryId = '0197a3c2-5b1e-7c44-9d55-2f6f3a1f0a11';

export const newLead = {
  campaignId,
  categoryId,
  data: { firstName: 'Ann', email: 'ann@example.com', roofAge: 12 },
  state: 'CA',
  quality: 'HOT',
};

const leadId = 'lead_b7Kq2mXw9Rt4';

export const distributed = {
  success: true,
  leadId,
  distributed: true,
  buyersAssigned: 1,
  message: 'Lead distributed to 1 buyer(s)',
};
export const pending = {
  success: true,
  leadId,
  distributed: false,
  warning: 'Lead stored, distribution pending',
};

const { data, ...rest } = newLead;
export const bulk = { leads: [newLead, { ...rest, data: { firstName: data.firstName } }] };
export const bulkResults = {
  success: true,
  summary: { received: 2, accepted: 1, rejected: 1 },
  results: [
    { index: 0, success: true, leadId },
    { index: 1, success: false, error: 'Missing required field: email', status: 400 },
  ],
};

export const importedLeads = {
  message: 'Import finished',
  summary: { rows: 2, accepted: 1, rejected: 1 },
  rejectedRows: [{ row: 3, errors: ['Missing required field: email'] }],
};

const at = '2026-11-28T12:00:00.000Z';
export const decisions = {
  decisions: [
    { buyerId: '0197a3c2-5b1e-7c44-9d55-2f6f3a1f0a14', outcome: 'ASSIGNED', rule: null, seen: {}, at },
    {
      buyerId: '0197a3c2-5b1e-7c44-9d55-2f6f3a1f0a17',
      outcome: 'REFUSED',
      rule: 'wallet',
      seen: { balance: 12.5, price: 25 },
      at,
    },
  ],
};

export const sentLeads = {
  leads: [
    {
      id: leadId,
      campaignId,
      categoryId,
      state: 'CA',
      quality: 'HOT',
      status: 'DISTRIBUTED',
      receivedAt: at,
      distributedAt: at,
    },
  ],
  pagination: { page: 1, limit: 50, total: 1, pages: 1 },
};
