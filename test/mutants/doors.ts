import type { Mutant, TestName } from './mutant.ts';

const ofSuppliers = (title: string): TestName => ({
  file: 'test/marketplace/ingest/suppliers.test.ts',
  title: `[S21] a supplier’s key ${title}`,
});
const ofBuyers = (title: string): TestName => ({ file: 'test/marketplace/buyers.test.ts', title });
const ofCodes = (title: string): TestName => ({
  file: 'test/account/registration.test.ts',
  title: `[S25] invite codes ${title}`,
});
const ofFactors = (title: string): TestName => ({
  file: 'test/account/second-factor.test.ts',
  title: `[S26] a session without the second factor of its person opens nothing ${title}`,
});

/** The mutants of who may do what on the marketplace. */
export const doorMutants: readonly Mutant[] = [
  {
    number: 28,
    name: 'let a supplier send every category',
    change: 'a lead is not refused for a category that its supplier does not have',
    loses: "A supplier's key sends only the supplier's own categories.",
    edits: [
      {
        file: 'src/domain/marketplace/ingest.ts',
        find: '  if (maySend) return null;',
        replace: '  if (maySend || campaign.isOwn) return null;',
      },
    ],
    caughtBy: [ofSuppliers('sends the categories that its seller gave it, and those alone')],
    stillWorks: ofSuppliers('sends to campaigns of its own seller, whatever its lead says'),
    backends: ['postgres'],
  },
  {
    number: 29,
    name: 'show a buyer the other buyers',
    change: 'the buyer that a buyer names is not compared with the one of its session',
    loses: 'A buyer sees and changes only its own account.',
    edits: [
      {
        file: 'src/api/marketplace/buyers.ts',
        find: "  if (party.role === 'buyer' && party.buyerId !== id) throw missing(unknown);\n",
        replace: '',
      },
    ],
    caughtBy: [
      ofBuyers('PUT /api/buyers/:id [S22] a buyer reads and changes no other buyer, and lists none'),
    ],
    stillWorks: ofBuyers(
      'PUT /api/buyers/:id the buyer of another seller is a 404, and the body is judged before',
    ),
    backends: ['postgres'],
  },
  {
    number: 30,
    name: "let a buyer set its seller's settings",
    change: 'the priority and the status are among the fields that a buyer sets',
    loses: 'Nothing in a body takes effect that its sender does not decide.',
    edits: [
      {
        file: 'src/api/marketplace/buyers.ts',
        find: 'const byBuyer = z.object({\n',
        replace:
          'const byBuyer = z.object({\n  priority: priority.optional(),\n  status: z.enum(partyStatuses).optional(),\n',
      },
    ],
    caughtBy: [
      ofBuyers('PUT /api/buyers/:id [S24] the buyer changes his own settings, and none of his seller’s'),
    ],
    stillWorks: ofBuyers(
      'PUT /api/buyers/:id the buyer of another seller is a 404, and the body is judged before',
    ),
    backends: ['postgres'],
  },
  {
    number: 31,
    name: 'count a guess after its answer is known',
    change: 'an invite code is looked up first, and only a wrong one is counted',
    loses: 'Invite codes cannot be found by trying: once too many were wrong, a right one is refused too.',
    edits: [
      {
        file: 'src/api/auth/invite-limits.ts',
        find: 'const giveBack = await take(request);\n        const found = await lookUp();\n        if (found !== null) giveBack();',
        replace: 'const found = await lookUp();\n        if (found === null) await take(request);',
      },
    ],
    caughtBy: [ofCodes('tried by the dozen are refused with 429, a right one too, from this address alone')],
    stillWorks: ofCodes('that are right cost nothing, also many at once'),
    backends: ['postgres'],
  },
  {
    number: 32,
    name: 'open the marketplace to half a sign-in',
    change: 'the API takes a session that lacks the second factor of its person',
    loses: 'Where a person has a second factor, no session without it opens anything.',
    edits: [
      {
        file: 'src/api/auth/access.ts',
        find: 'if (!session || session.needsSecondFactor) {\n      if (!session && request',
        replace: 'if (!session) {\n      if (request',
      },
    ],
    caughtBy: [
      ofFactors('a session without it, such as Google’s, by its cookie'),
      ofFactors('the same as Bearer'),
    ],
    stillWorks: ofFactors('one with it opens all'),
    backends: ['postgres'],
  },
];
