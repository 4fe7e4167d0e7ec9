export * from './auth.ts';
export * from './companies.ts';
export * from './crm.ts';
export * from './leads.ts';
export * from './marketplace.ts';
export * from './organizations.ts';
export * from './payments.ts';
export * from './transport.ts';
