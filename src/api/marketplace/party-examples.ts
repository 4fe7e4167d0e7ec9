import { passwordWarning } from '../../domain/account/password.ts';

/** What the documentation shows of the requests and answers of buyers, suppliers and the seller. */

const at = '2026-11-28T12:00:00.000Z';
const sellerId = '0197a3c2-5b1e-7c44-9d55-2f6f3a1f0a10';
const categoryId = '0197a3c2-5b1e-7c44-9d55-2f6f3a1f0a11';
const buyerId = '0197a3c2-5b1e-7c44-9d55-2f6f3a1f0a14';
const userId = '0197a3c2-5b1e-7c44-9d55-2f6f3a1f0a15';

export const newBuyer = {
  email: 'bo@buyer.example',
  password: 'password123',
  name: 'Bo Buyer',
  companyName: 'Buyer Inc',
  priority: 5,
  phoneNumber: '(305) 555-0123',
};

const { email, name, companyName, priority } = newBuyer;
export const createdBuyer = {
  message: 'Buyer created successfully',
  buyer: { id: buyerId, userId, email, name, companyName, priority },
  warnings: [passwordWarning(newBuyer.password)],
};

const record = {
  id: buyerId,
  userId,
  sellerId,
  companyName,
  priority,
  walletBalance: 0,
  status: 'ACTIVE',
  autoRechargeEnabled: false,
  autoRechargeThreshold: null,
  autoRechargeAmount: null,
  monthlySpendingLimit: 500,
  weeklySpendingLimit: null,
  phoneNumber: '+13055550123',
  createdAt: at,
  updatedAt: at,
  user: { id: userId, name, email },
  totalPurchases: 0,
  totalSpent: 0,
  lastPurchase: null,
  campaignSubscriptions: [],
  _count: { leadAssignments: 0, transactions: 0 },
};
export const listedBuyer = { ...record, leadAssignments: [] };
export const wholeBuyer = {
  ...record,
  seller: { id: sellerId, companyName: 'Solar Leads Co' },
  notificationPreference: null,
};

export const newSupplier = {
  name: 'Acme Traffic',
  email: 'api@acme.example',
  categories: [categoryId],
};
export const supplier = {
  id: '0197a3c2-5b1e-7c44-9d55-2f6f3a1f0a16',
  ...newSupplier,
  status: 'ACTIVE',
  leadsDelivered: 0,
  lastDeliveryAt: null,
  apiKeyPreview: 'sk_Ab12Cd34…',
  testMode: true,
  createdAt: at,
  updatedAt: at,
};
/** Of the form of a key, and none: a key has letters and digits only. */
export const apiKey = 'sk_<32 letters and digits>';

export const seller = {
  id: sellerId,
  companyName: 'Solar Leads Co',
  inviteCode: 'K7QX2M9A',
  inviteUrl: 'https://leads.example.com/register/buyer?code=K7QX2M9A',
  trialEndsAt: '2026-12-12T12:00:00.000Z',
  subscriptionStatus: 'TRIALING',
};
export const newSettings = {
  smsMarkup: 20,
  timeZone: 'America/Chicago',
  branding: { primaryColor: '#0a7cff' },
};
export const settings = { emailMarkup: 0, platformFeePercent: 5, ...newSettings };

export const imported = {
  message: 'Import finished',
  summary: { rows: 3, created: 1, updated: 0, unchanged: 1, rejected: 1 },
  rejectedRows: [{ row: 4, errors: ['email: must be an e-mail address'] }],
};
