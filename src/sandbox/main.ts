import { parseArgs } from 'node:util';
import { loadConfig } from '../config.ts';
import type { SandboxOptions } from './options.ts';
import { startSandbox } from './server.ts';

/**
 * The sandbox as a process of its own: `main.ts [--port n] [--host h] ['{"stripe":{…}}']`. Prints one JSON line
 * when it listens; ends on SIGTERM, SIGINT or when its parent closes stdin's other end (`--with-parent`).
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { port: { type: 'string' }, host: { type: 'string' }, 'with-parent': { type: 'boolean' } },
});
const given = JSON.parse(positionals[0] ?? '{}') as SandboxOptions;

try {
  const sandbox = await startSandbox({
    ...given,
    ...(values.port === undefined ? {} : { port: Number(values.port) }),
    ...(values.host === undefined ? {} : { host: values.host }),
    production: loadConfig().production,
  });
  const stop = () => void sandbox.close().then(() => process.exit(0));
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  if (values['with-parent']) process.stdin.resume().once('end', stop);
  process.stdout.write(
    `${JSON.stringify({ url: sandbox.url, port: sandbox.port, pid: process.pid, sendgridPublicKey: sandbox.sendgridPublicKey, ghlPublicKey: sandbox.ghlPublicKey })}\n`,
  );
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(`The vendor sandbox does not start here.\n${reason}\n`);
  process.exitCode = 1;
}
