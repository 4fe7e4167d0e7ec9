import { Command } from 'commander';
import { migrate } from '../db/migrate.ts';
import { say, withSession } from './session.ts';

export function migrateCommand(): Command {
  return new Command('migrate')
    .description('bring the database up to this version; safe to run beside itself')
    .action(() =>
      withSession(async ({ config, databaseUrl }) => {
        const applied = await migrate(config.databaseDirectUrl ?? databaseUrl);
        say(applied.length > 0 ? `applied ${applied.join(', ')}` : 'up to date');
      }),
    );
}
