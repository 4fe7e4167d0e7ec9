import Fastify from 'fastify';
import { expect, it } from 'vitest';
import { type Caller, payerOf, quotaOwnerOf, setCaller, turnOwnerOf } from './caller.ts';

const organization = '01890000-0000-7000-8000-000000000001';
const caller: Caller = {
  actor: 'key:1',
  role: 'organization',
  organizations: [organization],
  scopes: ['leads:write'],
  supplierId: null,
  person: null,
};

/** Whose turns, memory and quotas a request of the caller takes. */
async function takenBy(given: Partial<Caller>) {
  const app = Fastify();
  app.get('/', async (request) => {
    setCaller(request, { ...caller, ...given });
    return [turnOwnerOf(request), payerOf(request), quotaOwnerOf(request, organization)];
  });
  return (await app.inject('/')).json();
}

it('[S33] keys of one supplier count together, beside the other requests of their organization', async () => {
  const of = (part: string | null, payer: string, keyId: string) => [
    { name: organization, part },
    { name: payer, isKnown: true },
    { organizationId: organization, keyId },
  ];
  expect(await takenBy({})).toEqual(of(null, organization, 'key:1'));
  for (const actor of ['key:2', 'key:3'])
    expect(await takenBy({ actor, supplierId: 's1' })).toEqual(of('s1', `${organization} s1`, 's1'));
});
