import { expect } from 'vitest';
import { type Visitor, visit } from './console-client.ts';
import type { TestSystem } from './system.ts';

/** Companies registered by an operator on the page, and members who sign in by the link it shows. */

export const registration = (n: number) => ({
  company_name: `Company ${n}`,
  owner_name: `Owner ${n}`,
  owner_email: `owner${n}@example.com`,
  owner_phone: `+1305555${String(1000 + n)}`,
  ghl_location_id: `location${n}`,
});

export async function asOperator(system: TestSystem): Promise<Visitor> {
  const visitor = visit(system);
  expect((await visitor.signIn(system.operator.email, system.operator.password)).status).toBe(303);
  return visitor;
}

export type Registered = { number: number; link: string; email: string };

export async function register(operator: Visitor, n: number, over = {}): Promise<Registered> {
  const fields = { ...registration(n), ...over };
  const answer = await operator.post('/companies', fields);
  const html = await answer.text();
  expect(answer.status, html).toBe(201);
  const number = Number(/\/dashboard\/(\d+)\/upload/.exec(html)?.[1]);
  const link = /https?:\/\/[^<\s]+(\/set-password\/[\w-]{43})/.exec(html)?.[1] ?? '';
  return { number, link, email: fields.owner_email };
}

export const memberPassword = 'a long enough one';

/** Sets a password through the link, which also signs the member in. */
export async function asMember(system: TestSystem, { link }: Registered): Promise<Visitor> {
  const visitor = visit(system);
  const answer = await visitor.post(link, { password: memberPassword, again: memberPassword });
  expect(answer.status, await answer.clone().text()).toBe(303);
  expect(answer.headers.get('location')).toBe('/');
  return visitor;
}
