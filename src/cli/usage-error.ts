import type { CommanderError } from 'commander';
import { UsageError } from '../errors.ts';
import { nearestNames } from '../lib/nearest.ts';

const CODES: Readonly<Record<string, string>> = {
  'commander.unknownOption': 'UNKNOWN_OPTION',
  'commander.missingArgument': 'MISSING_ARGUMENT',
  'commander.excessArguments': 'TOO_MANY_ARGUMENTS',
  'commander.optionMissingArgument': 'MISSING_VALUE',
};

/** commander's complaint in this program's words. `path` is the command it was about, empty for the program itself. */
export function usageErrorFrom(error: CommanderError, path: string, verbs: readonly string[]): UsageError {
  const own = path === '' ? 'mlops' : `mlops ${path}`;
  if (error.code === 'commander.help') {
    return new UsageError('MISSING_COMMAND', `\`${own}\` needs one of its commands: ${verbs.join(', ')}`, {
      hint: `see \`${own} --help\``,
    });
  }
  if (error.code === 'commander.unknownCommand') {
    return unknownCommand({ word: /'(.*)'/s.exec(error.message)?.[1] ?? '', path, names: verbs });
  }
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const suggestion = /\(Did you mean (.+)\?\)/.exec(rest.join(' '))?.[1];
  return new UsageError(CODES[error.code] ?? 'USAGE', first.replace(/\.$/, ''), {
    hint: suggestion === undefined ? `see \`${own} --help\`` : `did you mean ${suggestion}?`,
  });
}

export interface UnknownCommand {
  word: string;
  /** The noun it was looked for in; empty for the program itself. */
  path: string;
  names: readonly string[];
}

export function unknownCommand({ word, path, names }: UnknownCommand): UsageError {
  // Two letters the wrong way round, the commonest slip of all, are two edits to the nearest-name search.
  const nearest = nearestNames(word, names, 1)[0] ?? names.find((name) => letters(name) === letters(word));
  const own = path === '' ? 'mlops' : `mlops ${path}`;
  return new UsageError('UNKNOWN_COMMAND', `unknown command '${word}'`, {
    hint: nearest === undefined ? `see \`${own} --help\`` : `did you mean \`${own} ${nearest}\`?`,
  });
}

function letters(word: string): string {
  return word.split('').toSorted().join('');
}
