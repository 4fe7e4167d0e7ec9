import type { Place, Provocations } from './wordings.ts';

/** Wordings of registration, of passwords and addresses, of sessions and of members. */

const none = '0197a3c2-5b1e-7c44-9d55-2f6f3a1f0aff';
const anyone = { as: {} };

const register = '/api/auth/register';
const person = (over: Record<string, unknown> = {}) => ({
  email: 'pat@people.example',
  password: 'password123',
  name: 'Pat Person',
  role: 'SELLER',
  ...over,
});

const registration: Provocations = {
  'POST /api/auth/register 400 Missing required fields': ({ ask }) =>
    ask(anyone, 'POST', register, person({ role: undefined })),
  'POST /api/auth/register 400 Invalid email format': ({ ask }) =>
    ask(anyone, 'POST', register, person({ email: 'pat' })),
  'POST /api/auth/register 400 Invalid password': ({ ask }) =>
    ask(anyone, 'POST', register, person({ password: 'seven77' })),
  'POST /api/auth/register 400 User with this email already exists': ({ ask, seller }) =>
    ask(anyone, 'POST', register, person({ email: seller.email.toUpperCase() })),
  'POST /api/auth/register 400 Invite code is required for buyer registration': ({ ask }) =>
    ask(anyone, 'POST', register, person({ role: 'BUYER' })),
  'POST /api/auth/register 400 Invalid invite code': ({ ask }) =>
    ask(anyone, 'POST', register, person({ role: 'BUYER', inviteCode: 'NOCODE00' })),
  'POST /api/auth/register 400 Invalid role specified': ({ ask }) =>
    ask(anyone, 'POST', register, person({ role: 'ADMIN' })),
  'GET /api/auth/verify-invite 400 Invite code is required': ({ ask }) =>
    ask(anyone, 'GET', '/api/auth/verify-invite?code=undefined'),
  'GET /api/auth/verify-invite 404 Invalid invite code': ({ ask }) =>
    ask(anyone, 'GET', '/api/auth/verify-invite?code=NOCODE00'),
};

const reset = '/api/auth/reset-password';

const passwords: Provocations = {
  'POST /api/auth/forgot-password 400 Email is required': ({ ask }) =>
    ask(anyone, 'POST', '/api/auth/forgot-password', {}),
  'POST /api/auth/forgot-password 400 Invalid email format': ({ ask }) =>
    ask(anyone, 'POST', '/api/auth/forgot-password', { email: 'pat' }),
  'POST /api/auth/reset-password 400 Token and password are required': ({ ask }) =>
    ask(anyone, 'POST', reset, { token: 'x' }),
  'POST /api/auth/reset-password 400 Invalid password': ({ ask }) =>
    ask(anyone, 'POST', reset, { token: 'x', password: 'seven77' }),
  'POST /api/auth/reset-password 400 Invalid or expired link': ({ ask }) =>
    ask(anyone, 'POST', reset, { token: 'A'.repeat(43), password: 'password123' }),
  'POST /api/auth/verify-email 400 Token is required': ({ ask }) =>
    ask(anyone, 'POST', '/api/auth/verify-email', {}),
  'POST /api/auth/verify-email 400 Password is required': ({ ask }) =>
    ask(anyone, 'POST', '/api/auth/verify-email', { token: 'A'.repeat(43) }),
  'POST /api/auth/verify-email 400 Invalid password': ({ ask }) =>
    ask(anyone, 'POST', '/api/auth/verify-email', { token: 'A'.repeat(43), newPassword: 'seven77' }),
  'POST /api/auth/verify-email 400 Invalid or expired link': ({ ask }) =>
    ask(anyone, 'POST', '/api/auth/verify-email', { token: 'A'.repeat(43), password: 'password123' }),
  'POST /api/auth/resend-verification 400 Email is required': ({ ask }) =>
    ask(anyone, 'POST', '/api/auth/resend-verification', { email: ' ' }),
};

const sessions: Provocations = {
  'GET /api/auth/session 401 Unauthorized': ({ ask }) =>
    ask({ as: { authorization: 'Bearer made-up' } }, 'GET', '/api/auth/session'),
  'GET /api/auth/sessions 401 Unauthorized': ({ ask }) => ask(anyone, 'GET', '/api/auth/sessions'),
  'DELETE /api/auth/sessions/{id} 404 Session not found': ({ ask, buyer, seller }) =>
    ask(buyer, 'DELETE', `/api/auth/sessions/${seller.sessionId}`),
  'PUT /api/auth/organization 400 Organization is required': ({ ask, buyer }) =>
    ask(buyer, 'PUT', '/api/auth/organization', {}),
  'PUT /api/auth/organization 404 Organization not found': ({ ask, buyer, other }) =>
    ask(buyer, 'PUT', '/api/auth/organization', { organization: other.slug }),
};

const invitations = '/api/members/invitations';
const invite = ({ ask, seller }: Place, body: Record<string, unknown>) =>
  ask(seller, 'POST', invitations, { email: 'ina@people.example', ...body });

const members: Provocations = {
  'DELETE /api/members/{user_id} 400 The last seller cannot be removed': ({ ask, other }) =>
    ask(other, 'DELETE', `/api/members/${other.userId}`),
  'DELETE /api/members/{user_id} 404 Member not found': ({ ask, other, buyer }) =>
    ask(other, 'DELETE', `/api/members/${buyer.userId}`),
  'POST /api/members/invitations 400 Email and role are required': (place) => invite(place, {}),
  'POST /api/members/invitations 400 Invalid email format': (place) =>
    invite(place, { email: 'ina', role: 'SELLER' }),
  'POST /api/members/invitations 400 Invalid role': (place) => invite(place, { role: 'OPERATOR' }),
  'POST /api/members/invitations 400 Buyer ID is required': (place) => invite(place, { role: 'BUYER' }),
  'POST /api/members/invitations 400 Supplier ID is required': (place) => invite(place, { role: 'SUPPLIER' }),
  'POST /api/members/invitations 400 User is already a member': (place) =>
    invite(place, { email: place.buyer.email, role: 'SELLER' }),
  'POST /api/members/invitations 404 Buyer not found': (place) =>
    invite({ ...place, seller: place.other }, { role: 'BUYER', buyerId: place.buyer.buyerId }),
  'POST /api/members/invitations 404 Supplier not found': (place) =>
    invite(place, { role: 'SUPPLIER', supplierId: none }),
  'DELETE /api/members/invitations/{id} 404 Invitation not found': ({ ask, seller }) =>
    ask(seller, 'DELETE', `${invitations}/${none}`),
};

export const ofAccounts: Provocations = { ...registration, ...passwords, ...sessions, ...members };
