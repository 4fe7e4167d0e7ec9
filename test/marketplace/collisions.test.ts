import type { LightMyRequestResponse } from 'fastify';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Database, Queryable, Tx } from '../../src/db/client.ts';
import { insertCampaign } from '../../src/db/marketplace/campaigns.ts';
import { rotateSupplierKey } from '../../src/db/marketplace/suppliers.ts';
import { type ApiTest, startApi } from '../harness/api-app.ts';
import { type MadeSeller, makeSeller } from '../harness/market.ts';
import { type Ask, makeCategory, marketClient } from '../harness/market-client.ts';

let api: ApiTest;
let ask: Ask;
let seller: MadeSeller;
beforeAll(async () => {
  api = await startApi();
  ask = marketClient(api);
  seller = await makeSeller(api);
});
afterAll(() => api?.stop());

/** For an insert that would open a transaction of its own. */
const withinTx = (tx: Tx): Queryable & Pick<Database, 'withTx'> => ({ ...tx, withTx: (work) => work(tx) });

/** Commits `first` once the request waits for a row that it has locked. */
async function collide(
  first: (tx: Tx) => Promise<unknown>,
  request: () => Promise<LightMyRequestResponse>,
): Promise<LightMyRequestResponse> {
  let answer: Promise<LightMyRequestResponse> | undefined;
  await api.runtime.db.withTx(async (tx) => {
    await first(tx);
    answer = request();
    await expect
      .poll(() =>
        api.rows(
          `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        ),
      )
      .toHaveLength(1);
  });
  return answer!;
}

it('a category that is deleted while a campaign of it is being made stays active', async () => {
  const categoryId = await makeCategory(ask, seller);
  const campaign = {
    id: uuidv7(),
    categoryId,
    name: 'Solar Florida',
    description: null,
    priceMinor: 2_500,
    distributionLogic: 'BROADCAST' as const,
    allowStateSelection: true,
    status: 'ACTIVE' as const,
    maxSales: null,
    leadTtlHours: 72,
    most: 100,
  };
  const answer = await collide(
    (tx) => insertCampaign(withinTx(tx), seller.organizationId, campaign, seller.userId),
    () => ask(seller, 'DELETE', `/api/categories/${categoryId}`),
  );
  expect([answer.statusCode, answer.json().error]).toEqual([
    400,
    'Cannot delete category that is used in active campaigns',
  ]);
});

it('[S21] a key that is replaced while another rotation replaces it leaves one key, the later one', async () => {
  const body = { name: 'Acme', email: 'api@acme.example' };
  const { id } = (await ask(seller, 'POST', '/api/suppliers', body)).json().supplier;
  const answer = await collide(
    (tx) => {
      const key = `sk_${'a'.repeat(32)}`;
      return rotateSupplierKey(withinTx(tx), seller.organizationId, id, { key, actor: seller.userId });
    },
    () => ask(seller, 'POST', `/api/suppliers/${id}/rotate-key`),
  );
  expect(answer.statusCode).toBe(200);
  const active = await api.rows<{ prefix: string }>(
    'SELECT prefix FROM api_keys WHERE supplier_id = $1 AND revoked_at IS NULL',
    [id],
  );
  expect(active).toHaveLength(1);
  expect(answer.json().apiKey.startsWith(active[0]!.prefix)).toBe(true);
});
