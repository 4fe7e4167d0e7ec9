import { describe, expect, it } from 'vitest';
import { isAddressableId } from './buyer-id.ts';

describe('the id of a provider', () => {
  it.each(['.', '..'])('%j is refused: clients resolve it before they send a request', (id) => {
    expect(isAddressableId(id)).toBe(false);
  });

  it.each(['\ud800', 'a\udc00b'])('%j is refused: half a character cannot be encoded', (id) => {
    expect(isAddressableId(id)).toBe(false);
  });

  it.each([
    'provider60',
    '...',
    '.a',
    '%2e',
    '%2E%2e',
    '/',
    'a/b',
    '\\',
    '?',
    '#',
    ' a b',
    'é',
    '😀',
    'a.',
    '%',
  ])('%j can be addressed', (id) => {
    expect(isAddressableId(id)).toBe(true);
  });
});
