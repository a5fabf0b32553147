import type { CommandDefinition } from './command.ts';

export interface CommandEntry {
  /** One line for the list of commands: a phrase without a final period. */
  summary: string;
  /** Heading it appears under in `mlops --help`; only for entries of the first level. */
  group?: CommandGroup;
  aliases?: readonly string[];
  /** Left out of help, documentation and completion. */
  hidden?: boolean;
  load: () => Promise<{ default: CommandDefinition }>;
}

/** A noun such as `config` with its verbs. */
export interface NounEntry {
  summary: string;
  group?: CommandGroup;
  commands: Readonly<Record<string, CommandEntry>>;
}

export type Manifest = Readonly<Record<string, CommandEntry | NounEntry>>;

/** Headings of `mlops --help`, in the order in which they appear. */
export const COMMAND_GROUPS = [
  'Versions',
  'Stages and history',
  'Integrity and space',
  'Settings and help',
] as const;
export type CommandGroup = (typeof COMMAND_GROUPS)[number];

/**
 * Every command, with the one thing that must be known without loading it: its summary. `load` is called for the matched
 * command only, so nothing else may import a command module.
 */
export const manifest: Manifest = {
  completion: {
    summary: 'Print a completion script for bash, zsh or fish',
    group: 'Settings and help',
    load: () => import('../commands/completion.ts'),
  },
  __complete: {
    summary: 'Print completions for the words of an unfinished command line',
    hidden: true,
    load: () => import('./complete-command.ts'),
  },
};

export function isNoun(entry: CommandEntry | NounEntry): entry is NounEntry {
  return 'commands' in entry;
}
