import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

const bytesPerId = 16;
/** Randomness is drawn for this many ids at once: a draw for each took most of the time of an id. */
const idsPerDraw = 256;
const drawn = new Uint8Array(idsPerDraw * bytesPerId);
let used = drawn.length;
let msecs = 0;
let seq = 0;

/**
 * A new id (UUID version 7): ids of one process sort in the order in which they were made, so rows are inserted at the end
 * of an index. Not a secret: parts of it can be guessed from another id.
 */
export function newId(): string {
  if (used === drawn.length) {
    randomFillSync(drawn);
    used = 0;
  }
  const random = drawn.subarray(used, used + bytesPerId);
  used += bytesPerId;
  const now = Date.now();
  // After the clock was set back, ids go on from the last one.
  if (now <= msecs) seq += 1;
  else {
    msecs = now;
    seq = firstSequence(random);
  }
  return v7({ random, msecs, seq });
}

/** 31 random bits. The 32nd leaves room for as many ids in one millisecond. */
const firstSequence = (random: Uint8Array) =>
  ((random[6]! & 0x7f) << 24) | (random[7]! << 16) | (random[8]! << 8) | random[9]!;
