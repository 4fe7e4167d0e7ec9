import Fastify from 'fastify';
import { expect, it } from 'vitest';
import {
  type Caller,
  type Party,
  payerOf,
  quotaOwnerOf,
  setCaller,
  setParty,
  turnOwnerOf,
} from './caller.ts';

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
async function takenBy(given: Partial<Caller>, party?: Party) {
  const app = Fastify();
  app.get('/', async (request) => {
    setCaller(request, { ...caller, ...given });
    if (party) setParty(request, party);
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

it('[S22] buyers use up nothing of their seller: quotas are their own, turns and memory a part', async () => {
  const person = { id: 'u1', name: 'Bo', email: 'bo@buyer.example', role: 'member' } as const;
  const given = { actor: person.id, role: 'member', person } as const;
  const at = { organizationId: organization, person };
  expect(await takenBy(given, { ...at, role: 'seller', buyerId: null })).toEqual([
    { name: organization, part: null },
    { name: organization, isKnown: true },
    { organizationId: organization, keyId: null },
  ]);
  for (const buyerId of ['b1', 'b2'])
    expect(await takenBy(given, { ...at, role: 'buyer', buyerId })).toEqual([
      { name: organization, part: 'buyers' },
      { name: `${organization} buyers`, isKnown: true },
      { organizationId: buyerId, keyId: null },
    ]);
});
