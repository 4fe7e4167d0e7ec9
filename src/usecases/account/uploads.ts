import type { QuotaOwner, Quotas } from './quotas.ts';

/**
 * Runs `work`, which receives a file, within the owner's quotas of uploads in progress and of files per day. Throws
 * RefusedError 429.
 */
export const uploadCounted = <T>(
  quotas: Pick<Quotas, 'take' | 'hold'>,
  owner: QuotaOwner,
  work: () => Promise<T>,
): Promise<T> =>
  quotas.hold('uploads', owner, async () => {
    await quotas.take('files', owner);
    return work();
  });
