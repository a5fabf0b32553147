import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { HELP_TOPICS } from '../../src/cli/help-topics.ts';
import { isNoun, manifest, type CommandEntry } from '../../src/cli/manifest.ts';

const SOURCE = resolve(import.meta.dirname, '../../src');
const GLOBAL_OPTIONS = ['--json', '--help'];

interface Mention {
  place: string;
  words: string[];
}

/** Commands that a string literal names: in backticks, at its start, or after a colon; one literal may name several. */
function mentionsIn(text: string, path: string): Mention[] {
  return text.split('\n').flatMap((line, index) => {
    if (/^\s*(\/\/|\/?\*)/.test(line)) return [];
    return [...line.matchAll(/(?:`|\\`|'|"|: )mlops ([a-z](?:(?!: mlops )[^`'"\\])*)/g)].map(
      ([, rest = '']) => ({
        place: `${path}:${index + 1}: mlops ${rest}`,
        // What follows `--` belongs to another program.
        words: (rest.split(' -- ')[0] ?? '').split(/[\s,;:)]+/).filter((word) => word !== ''),
      }),
    );
  });
}

/** What is wrong with a command that is named, or undefined. */
async function problemOf({ words: [name = '', second, ...rest] }: Mention): Promise<string | undefined> {
  if (name === 'help') {
    const known = second === undefined || HELP_TOPICS.includes(second) || second in manifest;
    return known ? undefined : `there is no help on ${second}`;
  }
  const entry =
    manifest[name] ?? Object.values(manifest).find((each) => !isNoun(each) && each.aliases?.includes(name));
  if (entry === undefined) return `there is no command ${name}`;
  if (!isNoun(entry)) {
    const below = entry.verbs?.[second ?? ''];
    return below === undefined ? missingOption(entry, [second ?? '', ...rest]) : missingOption(below, rest);
  }
  if (second === undefined) return undefined;
  const verb = entry.commands[second];
  return verb === undefined ? `${name} has no ${second}` : missingOption(verb, rest);
}

async function missingOption(entry: CommandEntry, words: readonly string[]): Promise<string | undefined> {
  const { options = [] } = (await entry.load()).default;
  const flags = options.flatMap((option) => option.flags.match(/--[a-z-]+/g) ?? []);
  const unknown = words
    .map((word) => /^--[a-z-]+/.exec(word)?.[0])
    .find((flag) => flag !== undefined && ![...flags, ...GLOBAL_OPTIONS].includes(flag));
  return unknown === undefined ? undefined : `it has no option ${unknown}`;
}

/** Their "mlops gear" and "mlops level" go into hashes. */
const NO_COMMANDS = [join('storage', 'chunker.ts'), join('core', 'drift', 'profile', 'level-hash.ts')];

describe('commands named in messages and hints', () => {
  test('exist, with the options they are named with', async () => {
    const paths = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' });
    const mentions = paths
      .filter((path) => path.endsWith('.ts') && !NO_COMMANDS.includes(path))
      .flatMap((path) => mentionsIn(readFileSync(join(SOURCE, path), 'utf8'), path));
    expect(mentions.length).toBeGreaterThan(40);
    const faults: string[] = [];
    for (const mention of mentions) {
      const problem = await problemOf(mention);
      if (problem !== undefined) faults.push(`${mention.place}: ${problem}`);
    }
    expect(faults).toEqual([]);
  });

  test.each([
    ["hint: 'bring it with `mlops bring`',", 'there is no command bring'],
    ["hint: 'run `mlops verify --mend`, or not',", 'it has no option --mend'],
    ['hint: `see \\`mlops help nothing\\``,', 'there is no help on nothing'],
    ["hint: 'see its files: mlops shwo m@v1',", 'there is no command shwo'],
    ["hint: 'mlops config drop x',", 'config has no drop'],
    ["hint: 'if it is gone, run `mlops unlock --force`',", undefined],
  ])('are found and judged in %s', async (line, problem) => {
    const [mention] = mentionsIn(line, 'here.ts');
    if (mention === undefined) throw new Error('no command was found');
    expect(await problemOf(mention)).toBe(problem);
  });
});
