import { describe, expect, it } from 'vitest';
import { isEmail, readEmails } from './email.ts';

describe('addresses in a cell', () => {
  it.each<[string, string[]]>([
    ['ann@example.com', ['ann@example.com']],
    ['Ann@Example.com', ['Ann@Example.com']],
    ["o'brien+x@mail.example.co.uk", ["o'brien+x@mail.example.co.uk"]],
    ['Ann Lee <ann@example.com>', ['ann@example.com']],
    ['"Lee, Ann" <ann@example.com>', ['ann@example.com']],
    ['<ann@example.com>', ['ann@example.com']],
    ['ann@example.com>', ['ann@example.com']],
    ['mailto:ann@example.com', ['ann@example.com']],
    ['MAILTO:ann@example.com?subject=Hi', ['ann@example.com']],
    ['Email: ann@example.com', ['ann@example.com']],
    ['e-mail:ann@example.com', ['ann@example.com']],
    ['email ann@example.com', ['ann@example.com']],
    ['work: ann@example.com', ['ann@example.com']],
    ['ann@example.com.', ['ann@example.com']],
    ['ann@example.com,', ['ann@example.com']],
    ['ann@example.com;', ['ann@example.com']],
    ['(ann@example.com)', ['ann@example.com']],
    ['[ann@example.com](mailto:ann@example.com)', ['ann@example.com']],
    ["'ann@example.com'", ['ann@example.com']],
    ["'ann@example.com", ['ann@example.com']],
    ['="ann@example.com"', ['ann@example.com']],
    ['“ann@example.com”', ['ann@example.com']],
    ['ann@example.com (work)', ['ann@example.com']],
    ['ann@example.com - work', ['ann@example.com']],
    ['ann@example.com work', ['ann@example.com']],
    ['ann@example.com bob@example.com', ['ann@example.com', 'bob@example.com']],
    ['ann@example.com\nbob@example.com', ['ann@example.com', 'bob@example.com']],
    ['ann@example.com / bob@example.com', ['ann@example.com', 'bob@example.com']],
    ['ann@example.com/bob@example.com', ['ann@example.com', 'bob@example.com']],
    ['ann@example.com & bob@example.com', ['ann@example.com', 'bob@example.com']],
    ['ann@example.com&bob@example.com', ['ann@example.com', 'bob@example.com']],
    ['o&leary@example.com/o+x@example.com', ['o&leary@example.com', 'o+x@example.com']],
    ['ann@example.com\\nbob@example.com', ['ann@example.com', 'bob@example.com']],
    ['ann@example.com\\r\\n', ['ann@example.com']],
    ['ann@example.com…', ['ann@example.com']],
    ['ann\u00a0@example.com', ['ann@example.com']],
    ['ann@example. com', ['ann@example.com']],
    ['ann@example .com', ['ann@example.com']],
    ['ann@example . com', ['ann@example.com']],
    ['ann@example. com, bob@example.com', ['ann@example.com', 'bob@example.com']],
    // A name of a host without its end is no address, and takes no other with it.
    ['ann@example. bob@example.com', ['bob@example.com']],
    ['ann@example .bob@example.com', ['bob@example.com']],
    ['ann@example.com\\n\\tbob@example.com\\r\\n', ['ann@example.com', 'bob@example.com']],
    [
      'ann@example.com/bob@example.com/cid@example.com+x',
      ['ann@example.com', 'bob@example.com', 'cid@example.com'],
    ],
    ['ann@example.com. Call first', ['ann@example.com']],
    ['ann&#64;example.com', ['ann@example.com']],
    ['ann%40example.com', ['ann@example.com']],
    ['ann@example.com or bob@example.com', ['ann@example.com', 'bob@example.com']],
    ['ann@example.com; bob@example.com', ['ann@example.com', 'bob@example.com']],
    ['ann@example.com ::: bob@example.com', ['ann@example.com', 'bob@example.com']],
    ['ann@example.com|bob@example.com', ['ann@example.com', 'bob@example.com']],
    ['ann@example.com, ANN@example.com', ['ann@example.com']],
    ['ann@example.co.uk (home), bob@example.com (work)', ['ann@example.co.uk', 'bob@example.com']],
    ['ann @ example.com', ['ann@example.com']],
    ['ann(at)example.com', ['ann@example.com']],
    ['ann [at] example [dot] com', ['ann@example.com']],
    ['ann＠example．com', ['ann@example.com']],
    ['ann@example.com\u200b', ['ann@example.com']],
    ['\u202aann@example.com\u202c', ['ann@example.com']],
    ['\u00a0ann@example.com', ['ann@example.com']],
    ['o&leary@example.com', ['o&leary@example.com']],
    ['jörg@example.com', ['jörg@example.com']],
    ['jo\u0308rg@example.com', ['jörg@example.com']],
    ['josé@correo.example.es', ['josé@correo.example.es']],
    ['ann@münchen.example', ['ann@xn--mnchen-3ya.example']],
    ['Ann <ann@MÜNCHEN.example>', ['ann@xn--mnchen-3ya.example']],
    ['ann@пример.рф', ['ann@xn--e1afmkfd.xn--p1ai']],
    ['用户@例子.测试', ['用户@xn--fsqu00a.xn--0zwm56d']],
    ['ann@xn--mnchen-3ya.example', ['ann@xn--mnchen-3ya.example']],
    ['ann/x@example.com', ['ann/x@example.com']],
    ['-ann@example.com', ['-ann@example.com']],
    ['=HYPERLINK("mailto:ann@example.com","ann@example.com")', ['ann@example.com']],
    ['noemail; ann@example.com', ['ann@example.com']],
  ])('%j: %j', (cell, addresses) => expect(readEmails(cell)).toEqual({ addresses, reason: null }));

  it.each(['', ' ', '\u200b', 'N/A', 'n/a', '-', 'NULL', '\\N', 'none'])('%j is blank', (cell) =>
    expect(readEmails(cell)).toEqual({ addresses: [], reason: null }),
  );

  it.each([
    ['noemail', /not an e-mail address/],
    ['none@none', /not an e-mail address/],
    ['none@none.com', /placeholder/],
    ['no@email.com', /placeholder/],
    ['NoEmail@gmail.com', /placeholder/],
    ['NoEmail@noemail.com', /placeholder/],
    ['ann at example.com', /not an e-mail address/],
    // Half of an address with a blank in it is the address of another person.
    ['john smith@example.com', /not an e-mail address/],
    ['a b@example.com', /not an e-mail address/],
    ['ann@example', /not an e-mail address/],
    ['ann@@example.com', /not an e-mail address/],
    ['@example.com', /not an e-mail address/],
    ['ann@', /not an e-mail address/],
    ['ann..lee@example.com', /not an e-mail address/],
    ['ann.@example.com', /not an e-mail address/],
    ['ann@-x.com', /not an e-mail address/],
    ['ann@example.c', /not an e-mail address/],
    ['ann@1.2.3.4', /not an e-mail address/],
    ['ann@exam_ple.com', /not an e-mail address/],
    ['ann@example,com', /not an e-mail address/],
    ['http://example.com', /not an e-mail address/],
    ['305-555-0101', /not an e-mail address/],
    [`${'x'.repeat(65)}@example.com`, /not an e-mail address/],
    [`${'a'.repeat(320)}@example.com`, /longer than 320/],
    ['ann\0@example.com', /NUL/],
    ['jos\ufffd@example.com', /could not be read/],
    [';'.repeat(16_385), /longer than 16384/],
  ])('%j is none', (cell, reason) => {
    expect(readEmails(cell)).toEqual({ addresses: [], reason: expect.stringMatching(reason) });
  });

  it('a found address is found again, and is an address', () => {
    for (const cell of ['Ann <ann@MÜNCHEN.example>', 'jörg@example.com', "o'x@y.example", 'a&b@c.example']) {
      const [address = ''] = readEmails(cell).addresses;
      expect(readEmails(address).addresses).toEqual([address]);
      expect(isEmail(address)).toBe(true);
    }
  });
});
