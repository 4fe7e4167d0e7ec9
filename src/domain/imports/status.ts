/** uploading -> ready (waits for a mapping or confirmation) -> running -> done; failed and cancelled from any. */
export const importStatuses = ['uploading', 'ready', 'running', 'done', 'failed', 'cancelled'] as const;
export type ImportStatus = (typeof importStatuses)[number];

export const hasEnded = (status: ImportStatus): boolean => ['done', 'failed', 'cancelled'].includes(status);
