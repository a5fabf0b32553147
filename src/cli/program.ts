import { Command, Help, Option, type CommanderError } from 'commander';
import type { CommandDefinition } from './command.ts';
import type { Io } from './context.ts';
import { exitCodePointer, examplesText, rootFooter } from './help-text.ts';
import { parseInput, type ParsedWords } from './input.ts';
import { COMMAND_GROUPS, isNoun, type CommandEntry, type Manifest, type NounEntry } from './manifest.ts';
import { unknownCommand, usageErrorFrom } from './usage-error.ts';

/** The command that the words matched, ready to run. */
export interface Match {
  /** Words of the command, such as `config get`. */
  path: string;
  definition: CommandDefinition;
  input: unknown;
}

export interface GlobalOptions {
  json?: boolean;
  quiet?: boolean;
  color?: boolean;
  C?: string;
}

export interface ProgramOptions {
  manifest: Manifest;
  io: Io;
  onMatch(match: Match): void;
  onHelp(topic: readonly string[]): Promise<void>;
}

/**
 * Listed but not parsed by commander, which would take `save --version v1` for a question about the program. `main` answers it
 * where it stands before a command.
 */
const VERSION_OPTION = new Option('--version', 'print the version');

/**
 * The whole command line as commander sees it. Commands are only names and summaries until commander has matched one; then the
 * hook below loads that one definition and adds its arguments and options before the words are parsed.
 */
export function buildProgram(options: ProgramOptions): Command {
  const { manifest, io } = options;
  const program = new Command('mlops')
    .description('Model versions, stages and their history in a Git repository')
    .usage('<command> [options]')
    .option('--json', 'print one JSON document on stdout, and errors as JSON on stderr')
    .option('-q, --quiet', 'print nothing on stdout, no progress and no hints')
    .option('--no-color', 'do not colour the output')
    .option('-C <dir>', 'act as if started in this directory')
    .helpOption('-h, --help', 'explain mlops or one command')
    .helpCommand(false)
    .showSuggestionAfterError(true)
    .configureHelp({
      showGlobalOptions: true,
      visibleOptions: (command) => [
        ...new Help().visibleOptions(command),
        ...(command.parent === null ? [VERSION_OPTION] : []),
      ],
      subcommandTerm: (command) => command.name(),
      styleTitle: (text) => `\u001b[1m${text}\u001b[22m`,
    })
    .configureOutput({
      writeOut: (text) => io.out(text),
      writeErr: () => undefined,
      outputError: () => undefined,
      getOutHelpWidth: () => Math.min(io.columns, 120),
      getOutHasColors: () => io.outColor,
    })
    .addHelpText('after', rootFooter);
  program.exitOverride((error) => leave(program, error)).addHelpText('before', refuseUnknownWord(program));

  for (const group of COMMAND_GROUPS) {
    for (const [name, entry] of Object.entries(manifest)) {
      if (entry.group === group) addEntry(program, { name, entry, options }).helpGroup(`${group}:`);
    }
    if (group === 'Settings and help') addHelpCommand(program, options).helpGroup(`${group}:`);
  }
  for (const [name, entry] of Object.entries(manifest)) {
    if (entry.group === undefined) addEntry(program, { name, entry, options });
  }
  loadOnMatch(program, options, (name) => manifest[name]);
  return program;
}

function addHelpCommand(program: Command, options: ProgramOptions): Command {
  return program
    .command('help')
    .argument('[topic...]', 'a command, or exit-codes, environment, references')
    .summary('Explain a command or a topic')
    .description('Explain a command or a topic: exit-codes, environment, references')
    .action((topic: string[]) => options.onHelp(topic));
}

interface Addition {
  name: string;
  entry: CommandEntry | NounEntry;
  options: ProgramOptions;
}

function addEntry(parent: Command, { name, entry, options }: Addition): Command {
  const hidden = !isNoun(entry) && (entry.hidden ?? false);
  const command = parent.command(name, { hidden }).summary(entry.summary).helpCommand(false);
  command.description(entry.summary).exitOverride((error) => leave(command, error));
  if (isNoun(entry)) {
    command.usage('<command> [options]').addHelpText('before', refuseUnknownWord(command));
    for (const [verb, verbEntry] of Object.entries(entry.commands)) {
      addEntry(command, { name: verb, entry: verbEntry, options });
    }
    loadOnMatch(command, options, (verb) => entry.commands[verb]);
  } else {
    command.aliases(entry.aliases ?? []);
    for (const [verb, verbEntry] of Object.entries(entry.verbs ?? {})) {
      addEntry(command, { name: verb, entry: verbEntry, options });
    }
    loadOnMatch(command, options, (verb) => entry.verbs?.[verb]);
  }
  return command;
}

/** Without this commander answers `mlops lisst --help` with the program's own help, as if nothing were wrong. */
function refuseUnknownWord(command: Command): () => string {
  return () => {
    const word = command.args.find((each) => !each.startsWith('-'));
    if (word === undefined) return '';
    throw unknownCommand({ word, path: pathOf(command), names: namesIn(command) });
  };
}

function namesIn(command: Command): string[] {
  const names = command.commands.flatMap((verb) => [verb.name(), ...verb.aliases()]);
  return names.filter((name) => !name.startsWith('_'));
}

/** Called by commander instead of ending the process; `--help` and `--version` come here too, with exit code 0. */
function leave(command: Command, error: CommanderError): never {
  if (error.exitCode === 0) throw error;
  throw usageErrorFrom(error, pathOf(command), namesIn(command));
}

function loadOnMatch(
  parent: Command,
  options: ProgramOptions,
  find: (name: string) => CommandEntry | NounEntry | undefined,
): void {
  parent.hook('preSubcommand', async (_parent, command) => {
    const entry = find(command.name());
    if (entry === undefined || isNoun(entry)) return;
    // Options of the command would be taken from the words of its verb.
    const next = parent.args[1];
    if (next !== undefined && entry.verbs !== undefined && Object.hasOwn(entry.verbs, next)) return;
    const { default: definition } = await entry.load();
    complete(command, definition, options);
  });
}

/** Gives the empty command its definition's arguments, options, help and action. */
function complete(command: Command, definition: CommandDefinition, options: ProgramOptions): void {
  const path = pathOf(command);
  if (definition.description !== undefined) {
    command.description(`${command.summary()}\n\n${definition.description}`);
  }
  for (const argument of definition.arguments ?? []) command.argument(argument.name, argument.description);
  for (const option of definition.options ?? []) command.addOption(toOption(option));
  command.addHelpText('after', () => `${examplesText(definition.examples)}${exitCodePointer}`);
  command.action(() => {
    const words: ParsedWords = { arguments: command.processedArgs, options: command.opts() };
    options.onMatch({ path, definition, input: parseInput(definition, words, path) });
  });
}

/** commander's own variadic options swallow the arguments that follow; ours take one value each time. */
function toOption({ flags, description }: { flags: string; description: string }): Option {
  if (!/\.\.\.[>\]]/.test(flags)) return new Option(flags, description);
  const option = new Option(
    flags.replace(/\.\.\.(?=[>\]])/, ''),
    description.includes('repeatable') ? description : `${description} (repeatable)`,
  );
  return option.argParser((value: string, previous: readonly string[] | undefined) => [
    ...(previous ?? []),
    value,
  ]);
}

function pathOf(command: Command): string {
  const words: string[] = [];
  for (let at: Command | null = command; at?.parent; at = at.parent) words.unshift(at.name());
  return words.join(' ');
}
