import type { CommandDefinition } from './command.ts';
import type { Repository } from '../core/repository/repository.ts';
import { propertyName } from './input.ts';
import { isNoun, type CommandEntry, type Manifest, type NounEntry } from './manifest.ts';

export type Candidate = { value: string; description?: string };

/** The little of a Context that names come from. */
export interface NameSource {
  repository(): Promise<Pick<Repository, 'documents' | 'config'>>;
}

export interface CompletionOptions {
  manifest: Manifest;
  context: NameSource;
}

const GLOBAL_OPTIONS: readonly Candidate[] = [
  { value: '--json', description: 'print JSON' },
  { value: '--quiet', description: 'print nothing on stdout' },
  { value: '--no-color', description: 'do not colour the output' },
  { value: '-C', description: 'act as if started in this directory' },
  { value: '--help', description: 'explain this command' },
];

/** What may stand in place of the last word. Never fails: outside a repository there are simply no names to offer. */
export async function candidatesFor(
  words: readonly string[],
  options: CompletionOptions,
): Promise<Candidate[]> {
  const current = words.at(-1) ?? '';
  const { entry, rest } = resolveCommand(words.slice(0, -1), options.manifest);
  const all = await candidates({ entry, rest, current }, options);
  return all.filter(({ value }) => value.startsWith(current));
}

interface Place {
  /** The command the words name so far; a noun or the program itself while more of them is to come. */
  entry: CommandEntry | NounEntry | undefined;
  /** Words between the command and the one being typed. */
  rest: readonly string[];
  current: string;
}

async function candidates({ entry, rest, current }: Place, options: CompletionOptions): Promise<Candidate[]> {
  if (entry === undefined || isNoun(entry)) {
    if (rest.length > 0) return [];
    if (current.startsWith('-'))
      return [...GLOBAL_OPTIONS, { value: '--version', description: 'print the version' }];
    return commandNames(entry === undefined ? { ...options.manifest, help: HELP } : entry.commands);
  }
  const { default: definition } = await entry.load();
  const given = positionals(rest, definition);
  const before = rest.at(-1);
  const taking = before === undefined ? undefined : optionTaking(before, definition);
  if (taking === undefined && current.startsWith('-')) return [...optionNames(definition), ...GLOBAL_OPTIONS];
  const property = taking ?? argumentAfter(given, definition);
  return property === undefined ? [] : namesFor(property, { given, context: options.context });
}

/** The property of the argument that comes after these; the second word of a reference is a version. */
function argumentAfter(given: readonly string[], definition: CommandDefinition): string | undefined {
  const all = definition.arguments ?? [];
  const last = all.at(-1);
  const argument = all[given.length] ?? (last?.name.includes('...') ? last : undefined);
  if (argument === undefined) return undefined;
  const property = propertyName(argument.name);
  return property === 'ref' && given.length > 0 && argument === all[given.length - 1] ? 'version' : property;
}

const HELP: CommandEntry = {
  summary: 'Explain a command or a topic',
  load: () => Promise.reject(new Error('`help` takes topics, which are not completed')),
};

function resolveCommand(words: readonly string[], manifest: Manifest): Pick<Place, 'entry' | 'rest'> {
  let entry: CommandEntry | NounEntry | undefined;
  let level: Readonly<Record<string, CommandEntry | NounEntry>> | undefined = manifest;
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? '';
    if (word === '-C') index += 1;
    if (word.startsWith('-')) continue;
    entry = findEntry(level, word);
    if (entry === undefined) return { entry, rest: words.slice(index) };
    if (!isNoun(entry)) {
      const verb = verbOf(entry, words[index + 1]);
      return verb === undefined
        ? { entry, rest: words.slice(index + 1) }
        : { entry: verb, rest: words.slice(index + 2) };
    }
    level = entry.commands;
  }
  return { entry, rest: [] };
}

function verbOf({ verbs = {} }: CommandEntry, word: string | undefined): CommandEntry | undefined {
  return word !== undefined && Object.hasOwn(verbs, word) ? verbs[word] : undefined;
}

function findEntry(
  level: Readonly<Record<string, CommandEntry | NounEntry>>,
  word: string,
): CommandEntry | NounEntry | undefined {
  if (Object.hasOwn(level, word)) return level[word];
  return Object.values(level).find((entry) => !isNoun(entry) && entry.aliases?.includes(word));
}

function commandNames(level: Readonly<Record<string, CommandEntry | NounEntry>>): Candidate[] {
  return Object.entries(level)
    .filter(([, entry]) => isNoun(entry) || entry.hidden !== true)
    .map(([value, { summary }]) => ({ value, description: summary }));
}

function optionNames({ options = [] }: CommandDefinition): Candidate[] {
  return options.map(({ flags, description }) => ({ value: longFlag(flags), description }));
}

/** The property of the option that `word` is, when it wants a value. */
function optionTaking(word: string, { options = [] }: CommandDefinition): string | undefined {
  const option = options.find(({ flags }) => flags.split(/[ ,|]+/).includes(word));
  return option !== undefined && /[<[]/.test(option.flags) ? propertyName(option.flags) : undefined;
}

function longFlag(flags: string): string {
  return /--[a-z0-9-]+/i.exec(flags)?.[0] ?? flags;
}

function positionals(rest: readonly string[], definition: CommandDefinition): string[] {
  const found: string[] = [];
  for (let index = 0; index < rest.length; index += 1) {
    const word = rest[index] ?? '';
    if (word === '-C' || optionTaking(word, definition) !== undefined) index += 1;
    else if (!word.startsWith('-')) found.push(word);
  }
  return found;
}

interface NamesOptions {
  given: readonly string[];
  context: NameSource;
}

/** Names from the repository's directory listing alone: no document is read, so a damaged one can't get in the way. */
async function namesFor(property: string, { given, context }: NamesOptions): Promise<Candidate[]> {
  try {
    const { documents, config } = await context.repository();
    const model = given[0]?.split('@')[0] ?? '';
    const versions = async (of: string): Promise<string[]> =>
      namesOf(await documents.readDirectory(`models/${of}/versions`));
    const [stages, models] = [config.stages, await documents.listDirectories('models')];
    if (property === 'stage') return asCandidates(stages);
    // `promote --to STAGE`, `rollback --to VERSION`: each refuses the other kind by itself.
    if (property === 'to') return asCandidates([...stages, ...(await versions(model))]);
    if (property === 'version') return asCandidates([...(await versions(model)), ...stages, 'latest']);
    if (property === 'model') return asCandidates(models);
    if (!/^ref|Ref$/.test(property)) return [];
    const refs = await Promise.all(
      models.map(async (of) => [
        of,
        ...[...stages, 'latest', ...(await versions(of))].map((name) => `${of}@${name}`),
      ]),
    );
    return asCandidates(refs.flat());
  } catch {
    return [];
  }
}

function namesOf(files: readonly { name: string }[]): string[] {
  return files.map(({ name }) => name.replace(/\.json$/, ''));
}

function asCandidates(names: readonly string[]): Candidate[] {
  return names.map((value) => ({ value }));
}
