import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { CommandDefinition } from '../../src/cli/command.ts';
import { allCommands, COMMAND_GROUPS, isNoun, manifest, type CommandEntry } from '../../src/cli/manifest.ts';
import { buildProgram, type Match } from '../../src/cli/program.ts';
import { shellWords } from '../support/shell-words.ts';

const COMMANDS = resolve(import.meta.dirname, '../../src/commands');

interface Loaded {
  path: string;
  entry: CommandEntry;
}

const entries: Loaded[] = allCommands();

async function definitionOf({ entry }: Loaded): Promise<CommandDefinition> {
  return (await entry.load()).default;
}

/** Parses a command line as the program would, without running it. */
async function parse(argv: readonly string[]): Promise<Match | undefined> {
  const found: { match?: Match } = {};
  const silent = { out: () => undefined, err: () => undefined, outIsTTY: false, errIsTTY: false };
  const program = buildProgram({
    manifest,
    io: { ...silent, outColor: false, errColor: false, columns: Infinity },
    onMatch: (match) => {
      found.match = match;
    },
    onHelp: async () => undefined,
  });
  await program.parseAsync(argv, { from: 'user' });
  return found.match;
}

describe('the manifest', () => {
  test.each(entries)('$path: loads, has a summary and at least one example', async ({ path, entry }) => {
    const definition = await definitionOf({ path, entry });
    expect(definition.run).toBeTypeOf('function');
    expect(entry.summary).toMatch(/^[A-Z`].*[^.]$/);
    expect(entry.summary.length).toBeLessThanOrEqual(80);
    expect(definition.examples.length).toBeGreaterThan(0);
  });

  test.each(entries)('$path: every example is a command line that it accepts', async ({ path, entry }) => {
    for (const { command } of (await definitionOf({ path, entry })).examples) {
      const lines = shellWords(command).filter(([program]) => program === 'mlops');
      expect(lines, command).not.toEqual([]);
      const matches = await Promise.all(lines.map((words) => parse(words.slice(1))));
      expect(
        matches.map((match) => match?.path),
        command,
      ).toContain(path);
    }
  });

  test('every file in src/commands belongs to an entry of the same name', () => {
    const files = readdirSync(COMMANDS, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('shared.ts'))
      .map((file) => file.replaceAll('\\', '/').replace(/\.ts$/, '').replaceAll('/', ' '));
    const known = entries.filter(({ entry }) => entry.hidden !== true).map(({ path }) => path);
    expect(files.length).toBeGreaterThan(0);
    expect(files.toSorted()).toEqual(known.toSorted());
  });

  test('names and aliases are unique, and every visible entry is listed under a heading', () => {
    const names = Object.entries(manifest).flatMap(([name, entry]) => [
      name,
      ...(isNoun(entry) ? [] : (entry.aliases ?? [])),
    ]);
    expect(new Set(names).size).toBe(names.length);
    for (const [name, entry] of Object.entries(manifest)) {
      const hidden = !isNoun(entry) && entry.hidden === true;
      if (!hidden) expect(COMMAND_GROUPS, name).toContain(entry.group);
    }
  });

  test('the program is built without loading a single command', () => {
    const loaded: string[] = [];
    const watched = Object.fromEntries(
      entries.map(({ path, entry }) => [
        path.replaceAll(' ', '-'),
        {
          ...entry,
          load: async () => {
            loaded.push(path);
            return entry.load();
          },
        },
      ]),
    );
    const io = { out: () => undefined, err: () => undefined, outIsTTY: false, errIsTTY: false };
    buildProgram({
      manifest: watched,
      io: { ...io, outColor: false, errColor: false, columns: 80 },
      onMatch: () => undefined,
      onHelp: async () => undefined,
    }).helpInformation();
    expect(loaded).toEqual([]);
  });
});
