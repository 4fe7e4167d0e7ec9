import type { Provocations } from './wordings.ts';

/** Wordings of buyers, suppliers, the seller and leads. */

const none = '0197a3c2-5b1e-7c44-9d55-2f6f3a1f0aff';
const newBuyer = (over: Record<string, unknown> = {}) => ({
  email: 'new@buyer.example',
  password: 'password123',
  name: 'Bo Buyer',
  ...over,
});
const newSupplier = { name: 'Acme', email: 'api@acme.example' };

const buyers: Provocations = {
  'POST /api/buyers 400 Email, password, and name are required': ({ ask, seller }) =>
    ask(seller, 'POST', '/api/buyers', newBuyer({ password: '' })),
  'POST /api/buyers 400 User with this email already exists': ({ ask, seller, buyer }) =>
    ask(seller, 'POST', '/api/buyers', newBuyer({ email: buyer.email.toUpperCase() })),
  'POST /api/buyers 400 Invalid priority': ({ ask, seller }) =>
    ask(seller, 'POST', '/api/buyers', newBuyer({ priority: 11 })),
  'POST /api/buyers 400 Invalid password': ({ ask, seller }) =>
    ask(seller, 'POST', '/api/buyers', newBuyer({ password: 'seven77' })),
  'GET /api/buyers 400 Invalid status': ({ ask, seller }) => ask(seller, 'GET', '/api/buyers?status=active'),
  'GET /api/buyers/{id} 404 Buyer not found': ({ ask, seller }) => ask(seller, 'GET', `/api/buyers/${none}`),
  'PUT /api/buyers/{id} 400 Invalid status': ({ ask, seller, buyer }) =>
    ask(seller, 'PUT', `/api/buyers/${buyer.buyerId}`, { status: 'GONE' }),
  'PUT /api/buyers/{id} 404 Buyer not found': ({ ask, other, buyer }) =>
    ask(other, 'PUT', `/api/buyers/${buyer.buyerId}`, { priority: 1 }),
  'DELETE /api/buyers/{id} 404 Buyer not found': ({ ask, other, buyer }) =>
    ask(other, 'DELETE', `/api/buyers/${buyer.buyerId}`),
};

const suppliers: Provocations = {
  'POST /api/suppliers 400 Name and email are required': ({ ask, seller }) =>
    ask(seller, 'POST', '/api/suppliers', { ...newSupplier, name: ' ' }),
  'POST /api/suppliers 400 Supplier with this email already exists': async ({ ask, seller }) => {
    await ask(seller, 'POST', '/api/suppliers', newSupplier);
    return ask(seller, 'POST', '/api/suppliers', { ...newSupplier, email: 'API@acme.example' });
  },
  'POST /api/suppliers 400 Invalid categories': ({ ask, seller }) =>
    ask(seller, 'POST', '/api/suppliers', {
      ...newSupplier,
      email: 'second@acme.example',
      categories: [none],
    }),
  'GET /api/suppliers/{id} 404 Supplier not found': ({ ask, seller }) =>
    ask(seller, 'GET', `/api/suppliers/${none}`),
  'PUT /api/suppliers/{id} 404 Supplier not found': ({ ask, seller }) =>
    ask(seller, 'PUT', '/api/suppliers/none', { testMode: false }),
  'DELETE /api/suppliers/{id} 404 Supplier not found': ({ ask, seller }) =>
    ask(seller, 'DELETE', `/api/suppliers/${none}`),
  'POST /api/suppliers/{id}/rotate-key 404 Supplier not found': ({ ask, seller }) =>
    ask(seller, 'POST', `/api/suppliers/${none}/rotate-key`),
};

const settings = '/api/sellers/settings';

const seller: Provocations = {
  'PUT /api/sellers/settings 400 Invalid smsMarkup': ({ ask, seller }) =>
    ask(seller, 'PUT', settings, { smsMarkup: -1 }),
  'PUT /api/sellers/settings 400 Invalid timeZone': ({ ask, seller }) =>
    ask(seller, 'PUT', settings, { timeZone: 'Mars/Olympus' }),
  'PUT /api/sellers/settings 400 Invalid branding': ({ ask, seller }) =>
    ask(seller, 'PUT', settings, { branding: { logoUrl: 'http://logo.example/a.png' } }),
  'PUT /api/sellers/security 403 Forbidden': ({ ask, seller }) =>
    ask(seller, 'PUT', '/api/sellers/security', { requireTwoFactor: true }),
};

const leads: Provocations = {
  'GET /api/leads 401 Unauthorized': ({ ask }) =>
    ask({ as: { authorization: 'Bearer made-up' } }, 'GET', '/api/leads'),
  'GET /api/leads 400 Invalid status': ({ ask, buyer }) => ask(buyer, 'GET', '/api/leads?status=PENDING'),
  'GET /api/leads 400 Invalid startDate': ({ ask, seller }) =>
    ask(seller, 'GET', '/api/leads?startDate=31.01.2026'),
};

export const ofParties: Provocations = { ...buyers, ...suppliers, ...seller, ...leads };
