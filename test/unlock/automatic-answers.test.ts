import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Buyer, Story } from '../harness/story.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
let story: Story;
beforeAll(async () => {
  system = await startSystem();
  story = system.story;
});
afterAll(() => system?.stop());

/** The most that answers may be, to one number on one day: what is asked, and what an offer's state is. */
const mostAnswers = 2;
/** A loop would go on for ever; the test ends it here. */
const rounds = 12;

/** Answers every text to this phone with `said`, until no text follows or the rounds are over. */
async function autorespond(buyer: Buyer, said: (text: string) => string): Promise<void> {
  let answered = 0;
  for (let round = 0; round < rounds; round += 1) {
    await story.settled();
    const texts = story.texts(buyer);
    if (texts.length === answered) return;
    // A repeated Y gets the link again, but not within a minute of the first; that wait is skipped here.
    await system.rows(
      "UPDATE lead_unlocks SET link_sent_at = link_sent_at - interval '10 minutes' WHERE phone = $1",
      [buyer.phone],
    );
    for (const { text } of texts.slice(answered)) story.says(buyer, said(text ?? ''));
    answered = texts.length;
  }
}

/** Texts other than an offer's own: its teaser and its first link. */
const answersTo = (buyer: Buyer) => {
  const texts = story.texts(buyer).map((entry) => entry.text ?? '');
  const links = new Set(texts.filter((text) => text.includes('/p/')));
  return texts.filter((text) => !text.includes('new client inquiry')).length - links.size;
};

const expectTeaserOfNewLead = async (buyer: Buyer) => {
  const next = await story.lead([buyer]);
  await system.text(buyer.phone, next.leadId);
};

describe('an autoresponder', () => {
  it.each([
    ['thanks for the text', () => 'Thanks for contacting us! We will get back to you shortly.'],
    ['is driving', () => 'I’m driving right now. I’ll see your message when I get where I’m going.'],
    ['says ok', () => 'OK'],
    ['says yes', () => 'Yes'],
    ['asks who is there', () => 'Who is this?'],
    ['asks for help', () => 'HELP'],
    ['repeats the text', (text: string) => text],
  ])('[F74] that %s gets a bounded number of texts, and the teaser of a new lead', async (_name, said) => {
    const buyer = await story.buyer();
    await story.offer([buyer]);
    await autorespond(buyer, said);
    expect(answersTo(buyer)).toBeLessThanOrEqual(mostAnswers);
    await expectTeaserOfNewLead(buyer);
  });

  it('[F74] an answer is sent again on the next day', async () => {
    const buyer = await story.buyer();
    await story.offer([buyer]);
    const asks = async (answers: number) => {
      story.says(buyer, 'HELP');
      await story.settled();
      expect(answersTo(buyer)).toBe(answers);
    };
    await asks(1);
    await asks(1);
    // The day is the last part of an answer's key.
    await system.rows(
      "UPDATE effects SET key = regexp_replace(key, '-[0-9]{5}$', '-yesterday') WHERE key LIKE 'help-%'",
    );
    await asks(2);
  });

  it('[F74] on an ended offer gets the notice of its end once', async () => {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer]);
    story.says(buyer, 'N');
    await story.reaches(offer, buyer, 'EXPIRED', 'declined');
    story.says(buyer, 'Yes');
    await system.text(buyer.phone, 'no longer available');
    await autorespond(buyer, () => 'Yes');
    expect(answersTo(buyer)).toBe(1);
    await expectTeaserOfNewLead(buyer);
  });

  it('[F74] on a sold lead gets the details again once', async () => {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer]);
    await story.buy(offer, buyer);
    await autorespond(buyer, () => 'ok');
    expect(story.reveals(offer).length).toBeLessThanOrEqual(2);
    await expectTeaserOfNewLead(buyer);
  });

  it('is not answered, and its text is shown to an operator with the open offer', async () => {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer]);
    story.says(buyer, 'This number does not accept text messages.');
    await story.settled();
    expect(story.texts(buyer)).toHaveLength(1);
    const { id } = await story.unlock(offer, buyer);
    expect(
      await system.rows('SELECT intent, needs_operator AS shown FROM inbox WHERE unlock_id = $1', [id]),
    ).toEqual([{ intent: 'unclear', shown: true }]);
  });
});

describe('answers to texts', () => {
  const setCap = (perNumberHour: number) =>
    system.rows('UPDATE organizations SET sms_per_number_hour = $1', [perNumberHour]);
  const waiting = (buyer: Buyer, type: string, detail: string) =>
    system.until(
      'the answer to wait',
      `SELECT 1 FROM attempts a JOIN events e ON e.id = a.event_id JOIN phones p ON e.subject = 'phone:' || p.id
        OR e.subject IN (SELECT 'unlock:' || u.id FROM lead_unlocks u WHERE u.phone = p.number)
        WHERE p.number = $1 AND e.type = $2 AND a.detail = $3`,
      [buyer.phone, type, detail],
      (row) => row !== undefined,
    );

  it('[F74] use half of the texts that a number may get in an hour, and leave the rest to offers', async () => {
    await setCap(4);
    const buyer = await story.buyer();
    await story.offer([buyer]);
    story.says(buyer, 'HELP');
    await system.text(buyer.phone, 'client inquiries by text');
    story.says(buyer, 'who is this');
    await waiting(buyer, 'reply.unclear', 'the share of answers in the SMS spend cap is reached');
    await expectTeaserOfNewLead(buyer);
    await expectTeaserOfNewLead(buyer);
    expect(story.texts(buyer)).toHaveLength(4);
    await setCap(20);
  });

  it('[F74] are dropped when they are an hour old, with the reason', async () => {
    await setCap(1);
    const buyer = await story.buyer();
    await story.offer([buyer]);
    story.says(buyer, 'HELP');
    await waiting(buyer, 'reply.help', 'the share of answers in the SMS spend cap is reached');
    await setCap(20);
    await system.rows(
      `UPDATE outbox o SET created_at = now() - interval '61 minutes', due_at = now() FROM events e, phones p
        WHERE e.id = o.event_id AND e.subject = 'phone:' || p.id AND p.number = $1`,
      [buyer.phone],
    );
    await waiting(buyer, 'reply.help', 'not answered: the text came more than an hour ago');
    expect(story.texts(buyer)).toHaveLength(1);
  });
});
