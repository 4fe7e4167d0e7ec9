import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiTest, startApi } from '../harness/api-app.ts';
import { makePlace, nameOf, type Place, provocations, refusals } from './wordings.ts';

describe('the wordings of docs/contracts-marketplace.md', () => {
  let api: ApiTest;
  let place: Place;
  beforeAll(async () => {
    api = await startApi();
    place = await makePlace(api);
  });
  afterAll(() => api?.stop());

  it('are each provoked here, and no others', () => {
    expect(refusals.length).toBeGreaterThan(30);
    expect(refusals.map(nameOf).sort()).toEqual(Object.keys(provocations).sort());
  });

  it.each(refusals.map((each) => [nameOf(each), each] as const))('%s', async (name, { status, wording }) => {
    const answer = await provocations[name]!(place);
    expect([answer.statusCode, answer.json().error]).toEqual([status, wording]);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.json()).toMatchObject({ status, code: expect.any(String), detail: expect.any(String) });
  });
});
