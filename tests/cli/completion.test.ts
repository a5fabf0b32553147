import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { defineCommand } from '../../src/cli/command.ts';
import { candidatesFor, type NameSource } from '../../src/cli/complete.ts';
import type { Manifest } from '../../src/cli/manifest.ts';
import { DEFAULT_CONFIG } from '../../src/config/schema.ts';
import { createMemoryDocumentStore } from '../../src/storage/memory/document-store.ts';
import { runCli } from '../support/run-cli.ts';
import { gitEnvironment, tempDirectory } from '../support/temp-repo.ts';

const BIN = resolve(import.meta.dirname, '../../bin/mlops.js');

const promote = defineCommand({
  arguments: [{ name: '<ref...>', description: 'a version' }],
  options: [
    { flags: '--to <stage>', description: 'which stage' },
    { flags: '--reason <text>', description: 'why' },
    { flags: '--commit', description: 'commit it' },
  ],
  examples: [],
  input: z.object({}),
  output: z.object({}),
  run: async () => ({ data: {}, text: () => '' }),
});
const list = {
  ...promote,
  arguments: [{ name: '[model]', description: 'model' }],
  options: [{ flags: '--stage <name>', description: 'stage' }],
};

const load = (definition: unknown) => () =>
  Promise.resolve({ default: definition as ReturnType<typeof defineCommand> });
const manifest: Manifest = {
  promote: { summary: 'Move a stage', group: 'Versions', load: load(promote) },
  list: { summary: 'List', group: 'Versions', aliases: ['ls'], load: load(list) },
  config: {
    summary: 'Settings',
    group: 'Versions',
    commands: { get: { summary: 'Print one', load: load(list) } },
  },
  __hidden: { summary: 'Hidden', hidden: true, load: load(list) },
};

let context: NameSource;

beforeEach(async () => {
  const documents = createMemoryDocumentStore();
  for (const path of ['fraud/versions/v1.json', 'fraud/versions/v2.json', 'churn/versions/v1.json']) {
    // Not even JSON: names must not depend on what the documents hold.
    await documents.create(`models/${path}`, new TextEncoder().encode('damaged'));
  }
  context = { repository: async () => ({ documents, config: DEFAULT_CONFIG }) };
});

async function complete(...words: string[]): Promise<string[]> {
  return (await candidatesFor(words, { manifest, context })).map(({ value }) => value);
}

describe('candidates', () => {
  test.each([[['']], [['--json', '']], [['-C', 'somewhere', '']]])(
    '%j: the commands, without hidden ones',
    async (words) => {
      expect(await complete(...words)).toEqual(['promote', 'list', 'config', 'help']);
    },
  );

  test('commands come with their summaries', async () => {
    expect(await candidatesFor(['pro'], { manifest, context })).toEqual([
      { value: 'promote', description: 'Move a stage' },
    ]);
  });

  test.each([
    [['config', ''], ['get']],
    [['config', 'nope', ''], []],
    [['nope', ''], []],
    [['promote', '--r'], ['--reason']],
    [['--q'], ['--quiet']],
    [
      ['list', ''],
      ['churn', 'fraud'],
    ],
    [['ls', 'f'], ['fraud']],
    [['list', 'fraud', ''], []],
    [
      ['list', '--stage', ''],
      ['staging', 'production'],
    ],
    [['list', '--stage', 'p'], ['production']],
    [
      ['promote', 'fr'],
      ['fraud', 'fraud@staging', 'fraud@production', 'fraud@latest', 'fraud@v1', 'fraud@v2'],
    ],
    [['promote', 'fraud@p'], ['fraud@production']],
    [
      ['promote', 'fraud', 'v'],
      ['v1', 'v2'],
    ],
    [
      ['promote', '--commit', 'fraud', 'v'],
      ['v1', 'v2'],
    ],
    [['promote', 'fraud', '--to', 's'], ['staging']],
    [['promote', '--reason', ''], []],
  ])('%j -> %j', async (words, expected) => {
    expect(await complete(...words)).toEqual(expected);
  });

  test('outside a repository commands and options are still offered, names are not', async () => {
    context = { repository: () => Promise.reject(new Error('not a repository')) };
    expect(await complete('list', '')).toEqual([]);
    expect(await complete('promote', '--c')).toEqual(['--commit']);
  });
});

describe('`mlops __complete`', () => {
  test('prints one candidate a line with its summary after a tab', async () => {
    const { code, stdout } = await runCli(['__complete', '--', 'comple'], { cwd: await tempDirectory() });
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'completion\tPrint a completion script for bash, zsh or fish\n',
    });
  });
});

describe('the bash script', () => {
  /** Sources the script in a real bash and asks for completions of these words, split as bash splits them. */
  async function inBash(words: readonly string[]): Promise<string[]> {
    const directory = await tempDirectory();
    const { stdout: script } = await runCli(['completion', 'bash'], { cwd: directory });
    writeFileSync(join(directory, 'script.bash'), script);
    writeFileSync(join(directory, 'mlops'), `#!/bin/sh\nexec "${process.execPath}" "${BIN}" "$@"\n`, {
      mode: 0o755,
    });
    const quoted = words.map((word) => `'${word}'`).join(' ');
    const program = `set -u; source ./script.bash; complete -p mlops >/dev/null || exit 9
COMP_WORDS=(mlops ${quoted}); COMP_CWORD=${words.length}; _mlops; printf '%s\\n' "\${COMPREPLY[@]+"\${COMPREPLY[@]}"}"`;
    const env = gitEnvironment(directory);
    const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-c', program], {
      cwd: directory,
      env: { ...env, PATH: `${directory}${delimiter}${env['PATH'] ?? ''}` },
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return stdout.split('\n').filter((line) => line !== '');
  }

  test('offers commands, options and nothing where nothing fits', async (ctx) => {
    if (spawnSync('bash', ['--version']).status !== 0) ctx.skip('there is no bash');
    expect(await inBash(['comple'])).toEqual(['completion']);
    expect(await inBash(['completion', '--no'])).toEqual(['--no-color']);
    expect(await inBash(['xyzzy', ''])).toEqual([]);
  });

  test('does not repeat what bash took for an earlier word', async (ctx) => {
    if (spawnSync('bash', ['--version']).status !== 0) ctx.skip('there is no bash');
    const directory = await tempDirectory();
    const { stdout: script } = await runCli(['completion', 'bash'], { cwd: directory });
    // A stand-in that echoes the word it was asked about: the words are put together before they are sent.
    const program = `${script}
mlops() { printf '%s\\n' "\${@: -1}production"; }
COMP_WORDS=(mlops promote fraud @); COMP_CWORD=3; _mlops; echo "\${COMPREPLY[0]}"
COMP_WORDS=(mlops promote fraud @ x); COMP_CWORD=4; _mlops; echo "\${COMPREPLY[0]}"`;
    const { stdout } = spawnSync('bash', ['--norc', '-c', program], { encoding: 'utf8' });
    expect(stdout).toBe('production\nxproduction\n');
  });
});

describe.each(['zsh', 'fish'])('the %s script', (shell) => {
  test('is one that the shell can read', async (ctx) => {
    if (spawnSync(shell, ['--version']).status !== 0) ctx.skip(`there is no ${shell}`);
    const directory = await tempDirectory();
    const { stdout } = await runCli(['completion', shell], { cwd: directory });
    writeFileSync(join(directory, 'script'), stdout);
    expect(spawnSync(shell, ['-n', 'script'], { cwd: directory, encoding: 'utf8' })).toMatchObject({
      status: 0,
      stderr: '',
    });
  });
});
