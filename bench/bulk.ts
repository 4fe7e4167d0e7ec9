import { measureBulkCsv } from './bulk-csv.ts';
import { measureBulkIntake } from './bulk-intake.ts';
import { measureBulkLimiter, measureBulkSync } from './bulk-sync.ts';
import type { Measure, Row } from './row.ts';

/** Companies' leads on their way: taken in by the API, read from a file, brought into the CRM, as fast as that allows. */
const parts: Measure[] = [measureBulkIntake, measureBulkCsv, measureBulkSync, measureBulkLimiter];

export const measureBulk: Measure = async (options) => {
  const rows: Row[] = [];
  for (const measure of parts) rows.push(...(await measure(options)));
  return rows;
};
