import { Command } from 'commander';
import { migrate } from '../db/migrate.ts';
import { say, withSession } from './session.ts';

export function migrateCommand(): Command {
  return new Command('migrate')
    .description('migrate the database to this version; concurrent runs are safe')
    .action(() =>
      withSession(async ({ config, databaseUrl }) => {
        const applied = await migrate(config.databaseDirectUrl ?? databaseUrl);
        say(applied.length > 0 ? `applied ${applied.join(', ')}` : 'up to date');
      }),
    );
}
