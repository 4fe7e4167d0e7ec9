import * as catalog from './catalog-examples.ts';

/** What the documentation shows of leads, to sessions. */

const at = '2026-11-28T12:00:00.000Z';
const { id: campaignId, name, pricePerLead, category, subscriptions } = catalog.campaign;
const { id: categoryId, description } = category;
const [subscription] = subscriptions;
const supplier = { id: '0197a3c2-5b1e-7c44-9d55-2f6f3a1f0a16', name: 'Acme Traffic' };

const lead = {
  id: 'lead_2f6f3a1f0a20',
  category: { id: categoryId, name: category.name, description },
  campaign: { id: campaignId, name, pricePerLead },
  data: { firstName: 'Ann', phone: '+13055550142', roof: 'Tile' },
  state: 'FL',
  quality: 'HOT',
};
const assignment = {
  id: '0197a3c2-5b1e-7c44-9d55-2f6f3a1f0a21',
  leadId: lead.id,
  buyerId: subscription!.buyerId,
  campaignSubscriptionId: subscription!.id,
  price: pricePerLead,
  status: 'DELIVERED',
  assignedAt: at,
  deliveredAt: at,
  viewedAt: null,
  rejectedAt: null,
  rejectionReason: null,
  buyer: subscription!.buyer,
};

export const sellerLead = {
  ...lead,
  campaignId,
  supplierId: supplier.id,
  categoryId,
  status: 'DISTRIBUTED',
  receivedAt: at,
  distributedAt: at,
  expiresAt: '2026-12-01T12:00:00.000Z',
  supplier,
  assignments: [assignment],
};
export const buyerLead = {
  ...lead,
  assignmentId: assignment.id,
  price: assignment.price,
  assignedAt: at,
  deliveredAt: at,
  viewedAt: null,
  status: 'DELIVERED',
};
