/** The lead of docs/contracts.md, offered to the first demo provider. */
export const sampleLead = {
  city: 'Miami',
  service_type: '60 min Mobile Massage',
  preferred_time_window: 'Evening (6-9 PM)',
  budget_range: '$150-200',
  notes_snippet: 'Client prefers deep tissue massage',
  client_name: 'Sarah Johnson',
  client_phone: '+1234567890',
  client_email: 'sarah.johnson@email.com',
  exact_address: '123 Ocean Drive, Miami Beach, FL 33139',
  provider_ids: ['provider60'],
  config: { price_cents: 2000, currency: 'usd', ttl_hours: 24 },
};
