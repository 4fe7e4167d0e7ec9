import type { Kind } from '../target.ts';
import { crmConnects } from './crm-connects.ts';
import { doors } from './doors.ts';
import { foreignStop } from './foreign-stop.ts';
import { junkFiles } from './junk-files.ts';
import { links } from './links.ts';
import { manyOffers } from './offers.ts';
import { previews } from './previews.ts';
import { readThenRefund } from './read-then-refund.ts';
import { rows } from './rows.ts';
import { secrets } from './secrets.ts';
import { slowFiles } from './slow-files.ts';
import { slowImports } from './slow-imports.ts';
import { supplier } from './supplier.ts';
import { tinyValues } from './tiny-values.ts';
import { unknownTexts } from './unknown-texts.ts';
import { unsignedWebhooks } from './unsigned-webhooks.ts';

export const kinds: readonly Kind[] = [
  slowImports,
  slowFiles,
  supplier,
  foreignStop,
  tinyValues,
  unsignedWebhooks,
  junkFiles,
  manyOffers,
  previews,
  crmConnects,
  unknownTexts,
  rows,
  readThenRefund,
  doors,
  secrets,
  links,
];
