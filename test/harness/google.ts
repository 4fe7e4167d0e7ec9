import { expect } from 'vitest';

/** What a person does on Google's account picker. */
export type Picked = { email?: string; unverified?: string; decision?: string };

/** Picks an account on the page at this address, and resolves with the address that it returns to. */
export async function pick(address: string, picked: Picked): Promise<string> {
  const answer = await fetch(address, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(picked as Record<string, string>),
  });
  expect(answer.status, await answer.clone().text()).toBe(302);
  return answer.headers.get('location')!;
}
