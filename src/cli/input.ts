import type * as z from 'zod';
import { UsageError } from '../errors.ts';
import type { CommandDefinition } from './command.ts';

/** What commander understood of one command line. */
export interface ParsedWords {
  /** In the order of the definition's arguments; a variadic one is an array. */
  arguments: readonly unknown[];
  /** By camel-case name; absent options are absent or undefined. */
  options: Readonly<Record<string, unknown>>;
}

/** `<data-dir>`, `[data-dir...]` -> `dataDir`; `--data-dir <path>` -> `dataDir`; `--no-verify` -> `verify`. */
export function propertyName(spelling: string): string {
  const long = /--(?:no-)?([a-z0-9-]+)/i.exec(spelling)?.[1] ?? spelling.replaceAll(/[^A-Za-z0-9-]/g, '');
  return long.replaceAll(/-([a-z0-9])/gi, (_match, letter: string) => letter.toUpperCase());
}

/**
 * Hands the words to the command's own schema.
 * @throws UsageError `INVALID_INPUT`, one line a problem, each naming the option or argument as it is typed
 */
export function parseInput(definition: CommandDefinition, words: ParsedWords, path: string): unknown {
  const values: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(words.options)) {
    if (value !== undefined) values[name] = value;
  }
  definition.arguments?.forEach(({ name }, index) => {
    const value = words.arguments[index];
    const absent =
      value === undefined || (Array.isArray(value) && value.length === 0 && name.startsWith('['));
    if (!absent) values[propertyName(name)] = value;
  });
  const result = definition.input.safeParse(values, { error: inWords });
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => describe(issue, definition));
  throw new UsageError('INVALID_INPUT', problems.join('\n'), { hint: `see \`mlops ${path} --help\`` });
}

/** For schemas that bring no message of their own: what is expected, in the words of a command line. */
function inWords(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'too_small') {
    if (issue.origin === 'number') return `must be at least ${issue.minimum}`;
    if (issue.origin === 'string' && issue.minimum === 1) return 'must not be empty';
  }
  if (issue.code === 'too_big') {
    if (issue.origin === 'number') return `must be at most ${issue.maximum}`;
    if (issue.origin === 'string') return `has more than ${issue.maximum} characters`;
    if (issue.origin === 'array') return `is given more than ${issue.maximum} times`;
  }
  if (issue.code === 'invalid_type' && issue.expected === 'number') return 'expected a number';
  if (issue.code === 'invalid_type' && issue.expected === 'int') return 'expected a whole number';
  if (issue.code === 'invalid_value') return `expected ${orList(issue.values.map(String))}`;
  return undefined;
}

function orList(words: readonly string[]): string {
  return [words.slice(0, -1).join(', '), ...words.slice(-1)].filter((part) => part !== '').join(' or ');
}

function describe(issue: z.core.$ZodIssue, definition: CommandDefinition): string {
  const [property] = issue.path;
  const spelling = spellingOf(property, definition);
  if (spelling === undefined) return issue.message;
  return `${spelling}: ${issue.message}`;
}

function spellingOf(property: PropertyKey | undefined, definition: CommandDefinition): string | undefined {
  const argument = definition.arguments?.find(({ name }) => propertyName(name) === property);
  if (argument !== undefined) return argument.name;
  const option = definition.options?.find(({ flags }) => propertyName(flags) === property);
  return option === undefined ? undefined : /--[a-z0-9-]+/i.exec(option.flags)?.[0];
}
