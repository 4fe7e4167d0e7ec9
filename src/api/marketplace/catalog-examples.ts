/** What the documentation shows of the catalog's requests and answers. */

const at = '2026-11-28T12:00:00.000Z';
const sellerId = '0197a3c2-5b1e-7c44-9d55-2f6f3a1f0a10';
const categoryId = '0197a3c2-5b1e-7c44-9d55-2f6f3a1f0a11';
const campaignId = '0197a3c2-5b1e-7c44-9d55-2f6f3a1f0a12';
export const subscriptionId = '0197a3c2-5b1e-7c44-9d55-2f6f3a1f0a13';
const buyerId = '0197a3c2-5b1e-7c44-9d55-2f6f3a1f0a14';
const userId = '0197a3c2-5b1e-7c44-9d55-2f6f3a1f0a15';

export const newCategory = {
  name: 'Solar',
  description: 'Homeowners who want solar panels',
  fields: [
    { name: 'firstName', type: 'text', required: true },
    { name: 'phone', type: 'phone', required: true },
    { name: 'roof', type: 'select', required: false, options: ['Tile', 'Metal', 'Shingle'] },
  ],
};

const brief = { id: categoryId, name: newCategory.name, description: newCategory.description };
export const category = {
  ...brief,
  sellerId,
  fields: [
    { ...newCategory.fields[0], locked: true, description: null, options: [] },
    { ...newCategory.fields[1], locked: true, description: null, options: [] },
    { ...newCategory.fields[2], locked: false, description: null },
  ],
  isActive: true,
  createdAt: at,
  updatedAt: at,
};

export const newCampaign = {
  categoryId,
  name: 'Solar Florida',
  pricePerLead: 25,
  distributionLogic: 'ROUND_ROBIN',
  maxSales: null,
  leadTtlHours: 72,
};

const bareCampaign = {
  id: campaignId,
  sellerId,
  description: null,
  allowStateSelection: true,
  status: 'ACTIVE',
  ...newCampaign,
  createdAt: at,
  updatedAt: at,
};
export const changedCampaign = { ...bareCampaign, category, _count: { subscriptions: 1, leads: 0 } };

export const newOrder = {
  campaignId,
  dailyCap: 10,
  states: ['FL', 'GA'],
  waterfallPriority: null,
  onShortWallet: 'offer',
};
export const subscription = {
  id: subscriptionId,
  ...newOrder,
  buyerId,
  status: 'ACTIVE',
  lastDistributedAt: null,
  createdAt: at,
  updatedAt: at,
};
export const newSubscription = { ...subscription, campaign: { ...bareCampaign, category: brief } };

export const campaign = {
  ...changedCampaign,
  subscriptions: [
    {
      ...subscription,
      buyer: {
        id: buyerId,
        userId,
        sellerId,
        companyName: 'Sunny Homes',
        priority: 5,
        walletBalance: 250,
        status: 'ACTIVE',
        autoRechargeEnabled: true,
        autoRechargeThreshold: 50,
        autoRechargeAmount: 200,
        monthlySpendingLimit: null,
        weeklySpendingLimit: 500,
        phoneNumber: '+13055550123',
        createdAt: at,
        updatedAt: at,
        user: { name: 'Bo Buyer', email: 'bo@sunny.example' },
      },
    },
  ],
};

export const auditEntry = {
  id: '41',
  at,
  who: 'Sue Seller',
  action: 'campaign.updated',
  subject: `campaign:${campaignId}`,
  before: { name: 'Solar Florida', pricePerLead: 25 },
  after: { name: 'Solar Florida', pricePerLead: 30 },
};
