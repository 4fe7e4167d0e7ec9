import { z } from 'zod';

/** Fields that events of several families share. */
export const id = z.uuid();
export const unlock = { unlockId: id };
