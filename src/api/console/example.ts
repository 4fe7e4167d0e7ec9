import { firstBuyerIds } from '../../db/account/buyers.ts';
import type { Runtime } from '../../usecases/runtime.ts';

/** A curl command that sends a lead to providers of this installation. */
export async function exampleLead({ config, db }: Pick<Runtime, 'config' | 'db'>): Promise<string> {
  const buyers = await firstBuyerIds(db.reader, 3);
  const lead = {
    city: 'Miami',
    service_type: '60 min Mobile Massage',
    preferred_time_window: 'Evening (6-9 PM)',
    budget_range: '$150-200',
    client_name: 'Sarah Johnson',
    client_phone: '+13055550142',
    provider_ids: buyers.length > 0 ? buyers : ['provider60'],
    config: { price_cents: 2000, currency: 'usd', ttl_hours: 24 },
  };
  // In the sandbox, requests from this machine need no key.
  const key = config.sandboxed.length > 0 ? '' : " -H 'Authorization: Bearer <your key>'";
  const body = JSON.stringify(lead, null, 1).replace(/\n\s*/g, ' ');
  return `curl ${config.publicUrl}/api/leads${key} \\\n  -H 'Content-Type: application/json' \\\n  -d '${body}'`;
}
