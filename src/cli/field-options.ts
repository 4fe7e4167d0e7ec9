import { type Command, Option, type OptionValues } from 'commander';
import type { Given } from '../api/http/contract.ts';
import { RefusedError } from '../domain/errors.ts';
import { unchanged } from './of-seller.ts';
import { CommandError } from './session.ts';

/**
 * Options that give the fields of a request, so that the API's own readers check them. The keys are the API's names; a dot
 * leads into an object, such as `branding.footer`. `""` clears what the API clears.
 */
export type FieldOptions = Readonly<Record<string, Option>>;

export const optional = (flags: string, about?: string) => new Option(flags, about);
export const mandatory = (flags: string, about?: string) => new Option(flags, about).makeOptionMandatory();

/** One of two words, for true and false. */
export function eitherOf([yes, no]: readonly [string, string], flags: string, about?: string): Option {
  const option = new Option(flags, about);
  return option.argParser((word) => {
    if (word !== yes && word !== no)
      throw new CommandError(`${option.long}: must be ${yes} or ${no}. ${unchanged}`);
    return word === yes;
  });
}

/** Can be repeated; `""` alone gives an empty list. */
export const repeated = (flags: string, about?: string) =>
  new Option(flags, about).argParser<string[]>((value, all = []) =>
    value.trim() === '' ? all : [...all, value.trim()],
  );

export function addOptions(command: Command, fields: FieldOptions): Command {
  for (const option of Object.values(fields)) command.addOption(option);
  return command;
}

/** The fields that the options give. */
export function fieldsIn(fields: FieldOptions, options: OptionValues): Given {
  const given: Record<string, unknown> = {};
  for (const [path, option] of Object.entries(fields)) {
    const value: unknown = options[option.attributeName()];
    if (value === undefined) continue;
    const [name = '', key] = path.split('.');
    given[name] = key === undefined ? value : { ...(given[name] as object | undefined), [key]: value };
  }
  return given;
}

/** The same for a change. Throws CommandError when no option was given. */
export function changeIn(fields: FieldOptions, options: OptionValues): Given {
  const given = fieldsIn(fields, options);
  if (Object.keys(given).length === 0) {
    const names = Object.values(fields).map(({ long }) => long);
    throw new CommandError(`Give at least one of ${names.join(', ')}. ${unchanged}`);
  }
  return given;
}

/** Runs `work`. Of a refusal that names fields, each is reported by the name of its option. */
export async function namingOptions<T>(fields: FieldOptions, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RefusedError) || !error.fields?.length) throw error;
    const lines = error.fields.map(({ path, message }) => `${optionAt(fields, path)}: ${message}.`);
    throw new CommandError(`${lines.join('\n')} ${unchanged}`);
  }
}

/** A place within a value follows its option: `--fields fields.2.type`. */
function optionAt(fields: FieldOptions, path: string): string {
  const exact = fields[path]?.long;
  if (exact) return exact;
  const long = fields[path.split('.')[0]!]?.long;
  return long ? `${long} ${path}` : path;
}
