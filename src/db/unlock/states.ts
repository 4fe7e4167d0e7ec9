import { paidStates, payableStates } from '../../domain/unlock/machine.ts';
import { quoted } from '../schema/columns.ts';

/** The lists of the unlock machine as SQL, for `status IN (…)`: literals, so that partial indexes apply. */
export const payableList = quoted(payableStates);
export const paidList = quoted(paidStates);
