import { describe, expect, it } from 'vitest';
import { passwordProblem, passwordWarning } from './password.ts';

describe('a new password', () => {
  it.each([
    ['1234567', 'The password needs at least 8 characters.', null],
    ['password123', null, /most common/],
    ['PassWord123', null, /most common/],
    ['correct horse', null, null],
    ['x'.repeat(128), null, null],
    ['x'.repeat(129), 'The password may have at most 128 characters.', null],
  ])('%s', (password, problem, warning) => {
    expect(passwordProblem(password)).toBe(problem);
    if (warning) expect(passwordWarning(password)).toMatch(warning);
    else expect(passwordWarning(password)).toBeNull();
  });
});
