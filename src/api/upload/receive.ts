import type { FastifyRequest } from 'fastify';
import type { Company } from '../../db/account/companies.ts';
import { RefusedError } from '../../domain/errors.ts';
import {
  dialectOf,
  encodingQuestion,
  previewImport,
  type ReceivedFile,
} from '../../usecases/imports/preview.ts';
import { dropRefused, receiveCounted } from '../../usecases/imports/receive.ts';
import { startImport } from '../../usecases/imports/start.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import { quotaOwnerOf } from '../auth/caller.ts';
import { causeOf } from '../http/cause.ts';
import { type UploadFields, withUploadedFile } from '../http/file-bodies.ts';
import { countIdempotencyKey, idempotencyKeyOf } from '../http/idempotency.ts';
import { assertCompany, companyOf } from './lookup.ts';

export type UploadRuntime = Pick<Runtime, 'db' | 'vault' | 'relay' | 'config' | 'log' | 'quotas'>;
type ReceivedUpload = { company: Company; file: ReceivedFile };

/** Stores the file of a request, and starts it when its fields ask for that and nothing is left to decide. */
export async function receiveUpload(
  runtime: UploadRuntime,
  request: FastifyRequest,
  { start = false }: { start?: boolean } = {},
): Promise<ReceivedFile> {
  return dropRefused(runtime, async (stored) => {
    const { taken, fields } = await withUploadedFile(
      request,
      runtime.config,
      async ({ name, bytes }, before) => {
        const company = await companyOf(runtime, request, before);
        mappingIn(before);
        const owner = quotaOwnerOf(request, company.organizationId);
        await countIdempotencyKey(request, runtime, owner);
        const key = (fileHash: string) =>
          idempotencyKeyOf(
            request,
            { organizationId: company.organizationId, vault: runtime.vault },
            fileHash,
          );
        const dialect = dialectOf(before);
        const file = await receiveCounted(runtime, owner, { company, name, bytes, dialect, key });
        return { company, file: stored(file) };
      },
    );
    // Fields that follow the file are known only now.
    assertCompany(taken.company, fields);
    return startIfClear(runtime, request, taken, start ? { ...fields, start: 'true' } : fields);
  });
}

/** Starts the import when asked to, if its columns and encoding are clear and the file is new or meant to be imported again. */
async function startIfClear(
  runtime: UploadRuntime,
  request: FastifyRequest,
  { company, file }: ReceivedUpload,
  fields: UploadFields,
): Promise<ReceivedFile> {
  if (file.row.status !== 'ready') return file;
  const mapping = mappingIn(fields);
  const seen = mapping === undefined ? file : await previewImport(runtime, company, file.row, { mapping });
  const again = fields.again === 'true';
  const clear =
    seen.row.mapping !== null && (again || seen.sameFile === null) && encodingQuestion(seen.preview) === null;
  if (fields.start !== 'true' || !clear) return seen;
  const row = await startImport(runtime, company, seen.row, { again, cause: causeOf(request) });
  return { ...seen, row };
}

function mappingIn({ mapping: text }: UploadFields): unknown {
  if (text === undefined || text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new RefusedError(400, 'invalid_input', 'Some fields are not valid.', {
      fields: [{ path: 'mapping', message: 'a JSON list: a field or null for each column' }],
    });
  }
}
