import { sql } from 'drizzle-orm';
import { run } from '../../db/commit.ts';
import type { Runtime } from '../../engine/runtime.ts';

/** A lead to paste into a terminal, for the buyers that are really there. */
export async function exampleLead({ config, db }: Pick<Runtime, 'config' | 'db'>): Promise<string> {
  const buyers = await run<{ id: string }>(
    db.reader,
    sql`SELECT external_id AS id FROM buyers WHERE active = 'active' ORDER BY created_at LIMIT 3`,
  );
  const lead = {
    ...{ city: 'Miami', service_type: '60 min Mobile Massage', preferred_time_window: 'Evening (6-9 PM)' },
    ...{ budget_range: '$150-200', client_name: 'Sarah Johnson', client_phone: '+13055550142' },
    provider_ids: buyers.length > 0 ? buyers.map((buyer) => buyer.id) : ['provider60'],
    config: { price_cents: 2000, currency: 'usd', ttl_hours: 24 },
  };
  // In the sandbox a call from this machine needs no key.
  const key = config.sandboxed.length > 0 ? '' : " -H 'Authorization: Bearer <your key>'";
  const body = JSON.stringify(lead, null, 1).replace(/\n\s*/g, ' ');
  return `curl ${config.publicUrl}/api/leads${key} \\\n  -H 'Content-Type: application/json' \\\n  -d '${body}'`;
}
