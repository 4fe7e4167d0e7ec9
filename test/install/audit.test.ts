import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { allowances, judgeAudit } from '../../scripts/audit.ts';

const url = 'https://github.com/advisories/GHSA-aaaa-bbbb-cccc';
const advisory = (severity: string) => ({
  source: 1,
  name: 'parser',
  title: 'Runs code',
  url,
  severity,
  range: '<2',
});
const audit = (
  severity: string,
  fixAvailable: unknown = { name: 'parser', version: '2.0.0', isSemVerMajor: true },
) =>
  JSON.stringify({
    auditReportVersion: 2,
    vulnerabilities: {
      parser: { name: 'parser', severity, via: [advisory(severity)], fixAvailable },
      // Depends on it: npm repeats the severity, but not the advisory.
      server: { name: 'server', severity, via: ['parser'], fixAvailable },
    },
  });
const allowed = (until: string) => [
  { advisory: 'GHSA-aaaa-bbbb-cccc', reason: 'only reached by our own files', until },
];
const today = '2026-11-27';

describe('the audit of dependencies', () => {
  it.each<[string, string, Parameters<typeof judgeAudit>[1], number]>([
    ['nothing found', JSON.stringify({ vulnerabilities: {} }), [], 0],
    ['a high advisory with a fix', audit('high'), [], 1],
    ['a critical one that npm can fix', audit('critical', true), [], 1],
    ['a high one without a fix', audit('high', false), [], 0],
    ['a moderate one', audit('moderate'), [], 0],
    ['an allowed one', audit('high'), allowed('2026-11-28'), 0],
    ['one whose allowance has ended', audit('high'), allowed('2026-11-27'), 1],
    [
      'one while another is allowed',
      audit('high'),
      [{ ...allowed('2027-01-01')[0]!, advisory: 'GHSA-xxxx-xxxx-xxxx' }],
      1,
    ],
  ])('%s', (_what, output, list, problems) => {
    const verdict = judgeAudit(output, list, today);
    expect(verdict.problems).toHaveLength(problems);
    expect(verdict.checked).toBe(true);
    for (const line of verdict.problems) expect(line).toContain(url);
  });

  it.each([
    ['an error of the registry', JSON.stringify({ message: '405 Method Not Allowed', error: {} }), '405'],
    ['no output', '', 'no readable answer'],
    ['a page of a proxy', '<html>', 'no readable answer'],
  ])('%s fails nothing, and says that nothing was checked', (_what, output, why) => {
    const { checked, problems, notes } = judgeAudit(output, [], today);
    expect([checked, problems]).toEqual([false, []]);
    expect(notes.join()).toContain('nothing was checked');
    expect(notes.join()).toContain(why);
  });

  it('every allowance has an advisory, a reason and a day', () => {
    const text = readFileSync(new URL('../../scripts/audit-allowed.json', import.meta.url), 'utf8');
    expect(allowances.safeParse(JSON.parse(text)).success).toBe(true);
    expect(allowances.safeParse([{ advisory: 'GHSA-aaaa-bbbb-cccc', reason: 'later' }]).success).toBe(false);
  });
});
