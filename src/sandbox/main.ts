import { parseArgs } from 'node:util';
import { loadConfig } from '../config.ts';
import type { SandboxOptions } from './options.ts';
import { startSandbox } from './server.ts';

/**
 * Runs the sandbox as a separate process: `main.ts [--port n] [--host h] ['{"stripe":{…}}']`. Prints one JSON line when
 * it listens; exits on SIGTERM, SIGINT, or with `--with-parent` when stdin is closed.
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
  process.stderr.write(`The vendor sandbox could not start.\n${reason}\n`);
  process.exitCode = 1;
}
