export const shortestPassword = 12;
export const longestPassword = 128;

/** Returns what is wrong with a new password, wherever it is set; null when nothing is. */
export function passwordProblem(password: string): string | null {
  if (password.length < shortestPassword)
    return `The password needs at least ${shortestPassword} characters.`;
  if (password.length > longestPassword)
    return `The password may have at most ${longestPassword} characters.`;
  return null;
}
