/** What the documentation shows of the requests and answers of accounts, sessions and members. */

const at = '2026-11-28T12:00:00.000Z';
const buyerId = '0197a3c2-5b1e-7c44-9d55-2f6f3a1f0a14';
const userId = '0197a3c2-5b1e-7c44-9d55-2f6f3a1f0a15';

export const newSeller = {
  email: 'sue@solar.example',
  password: 'correct horse battery',
  name: 'Sue Seller',
  role: 'SELLER',
  companyName: 'Solar Leads Co',
};
export const newBuyer = {
  email: 'bo@buyer.example',
  password: 'correct horse battery',
  name: 'Bo Buyer',
  role: 'BUYER',
  inviteCode: 'K7QX2M9A',
  phoneNumber: '(305) 555-0123',
};
export const registeredSeller = {
  message: 'Seller account created successfully',
  user: { id: userId, email: newSeller.email, name: newSeller.name, role: 'SELLER', inviteCode: 'K7QX2M9A' },
  warnings: [],
};
export const registeredBuyer = {
  message: 'Buyer account created successfully',
  user: {
    id: userId,
    email: newBuyer.email,
    name: newBuyer.name,
    role: 'BUYER',
    sellerId: '0197a3c2-5b1e-7c44-9d55-2f6f3a1f0a10',
  },
  warnings: [],
};
export const inviting = {
  valid: true,
  seller: { companyName: newSeller.companyName, contactName: newSeller.name },
};

const person = { name: newBuyer.name, email: newBuyer.email };
export const member = { userId, ...person, role: 'BUYER', buyerId, supplierId: null, createdAt: at };
export const invitationId = '0197a3c2-5b1e-7c44-9d55-2f6f3a1f0a17';
export const newInvitation = { ...person, role: 'BUYER', buyerId };
export const invitation = {
  id: invitationId,
  ...newInvitation,
  supplierId: null,
  createdAt: at,
  expiresAt: '2026-12-01T12:00:00.000Z',
};

const token = 'Zk3nQ0pR7sT2uV5wX8yA1bC4dE6fG9hJ0kL3mN5pQ7r';
export const resetAsked = { email: newBuyer.email };
export const resetMailed = {
  message: 'If an account with this email exists, a link to reset its password is on its way',
};
export const newPassword = { token, password: newBuyer.password };
export const passwordReset = { message: 'Password reset successfully', warnings: [] };
export const verification = { token, password: newBuyer.password };
export const verified = { message: 'Email verified successfully', warnings: [] };
export const verificationMailed = {
  message: 'If this email has an account to be verified, a link is on its way',
};

export const session = {
  id: '0197a3c2-5b1e-7c44-9d55-2f6f3a1f0a18',
  device: 'Firefox on Linux',
  ipAddress: '203.0.113.9',
  createdAt: at,
  expiresAt: '2026-12-05T12:00:00.000Z',
  secondFactor: false,
  current: true,
};
export const organization = {
  slug: 'solar-leads-co',
  name: newSeller.companyName,
  role: 'SELLER',
  current: true,
};
