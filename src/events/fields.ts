import { z } from 'zod';

/** Fields shared by several event families. */
export const id = z.uuid();
export const unlock = { unlockId: id };
