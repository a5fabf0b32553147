import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { defineCommand } from '../../src/cli/command.ts';
import { HELP_TOPICS } from '../../src/cli/help-topics.ts';
import type { Manifest } from '../../src/cli/manifest.ts';
import { RefWords } from '../../src/cli/ref-words.ts';
import { ENVIRONMENT_VARIABLES } from '../../src/config/env.ts';
import { ConflictError, ExitCode } from '../../src/errors.ts';
import { runCli, type CliResult, type RunCliOptions } from '../support/run-cli.ts';

const loaded: string[] = [];

function load(name: string, definition: unknown) {
  return () => {
    loaded.push(name);
    // The fixture commands have inputs of many types, as the commands of the manifest do.
    return Promise.resolve({ default: definition as ReturnType<typeof defineCommand> });
  };
}

const KeyValue = z.string().regex(/^[^=]+=/, 'expected key=value');

const store = defineCommand({
  arguments: [
    { name: '<model>', description: 'model name' },
    { name: '[path]', description: 'what to store' },
  ],
  options: [
    { flags: '-m, --metric <key=value...>', description: 'a metric' },
    { flags: '--fail-on <level>', description: 'when to fail' },
    { flags: '--no-verify', description: 'skip the check' },
    { flags: '--version <label>', description: 'its label' },
  ],
  description: 'Stores something.',
  examples: [{ command: 'mlops store fraud model.bin', explains: 'store a file' }],
  input: z.object({
    model: z.string().min(3, 'a model has at least 3 characters'),
    path: z.string().optional(),
    metric: z.array(KeyValue).default([]),
    failOn: z.enum(['low', 'high'], 'expected low or high').optional(),
    verify: z.boolean(),
    version: z.string().optional(),
  }),
  output: z.strictObject({
    model: z.string(),
    metric: z.array(z.string()),
    cwd: z.string(),
    verify: z.boolean(),
    version: z.string().optional(),
  }),
  async run({ model, metric, verify, version }, { cwd }) {
    return {
      data: { model, metric, cwd, verify, version },
      text: ({ isTTY }) => `stored ${model}${isTTY ? ' on a terminal' : ''}\n`,
      hints: ['run `mlops list`'],
    };
  },
});

const reference = defineCommand({
  arguments: [{ name: '<ref...>', description: 'a version' }],
  examples: [],
  input: z.object({ ref: RefWords }),
  output: z.object({ ref: z.string() }),
  async run({ ref }) {
    return { data: { ref }, text: () => `${ref}\n`, exitCode: ExitCode.no };
  },
});

function failing(error: unknown) {
  return defineCommand({
    examples: [],
    input: z.object({}),
    output: z.object({}),
    run: () => Promise.reject(error),
  });
}

const manifest: Manifest = {
  store: { summary: 'Store a thing', group: 'Versions', aliases: ['put'], load: load('store', store) },
  show: { summary: 'Show a thing', group: 'Versions', load: load('show', reference) },
  config: {
    summary: 'Settings',
    group: 'Settings and help',
    commands: { get: { summary: 'Print one', load: load('config get', reference) } },
  },
  locked: {
    summary: 'Fail',
    group: 'Versions',
    load: load(
      'locked',
      failing(new ConflictError('LOCKED', 'held by \u001b[31mpid 7\nhint: rm -rf', { hint: 'wait' })),
    ),
  },
  buggy: {
    summary: 'Fail',
    group: 'Versions',
    load: load('buggy', failing(new TypeError('x is not a function'))),
  },
  disk: {
    summary: 'Fail',
    group: 'Versions',
    load: load(
      'disk',
      failing(
        Object.assign(new Error('EACCES: permission denied, open'), { code: 'EACCES', syscall: 'open' }),
      ),
    ),
  },
  contract: {
    summary: 'Return what was not promised',
    group: 'Versions',
    load: load('contract', { ...store, output: z.strictObject({ model: z.number() }) }),
  },
};

async function run(argv: readonly string[], options: Partial<RunCliOptions> = {}): Promise<CliResult> {
  loaded.length = 0;
  return runCli(argv, { cwd: '/repo', manifest, ...options });
}

describe('results', () => {
  test('text goes to stdout and hints go to stderr', async () => {
    expect(await run(['store', 'fraud'])).toEqual({
      code: 0,
      stdout: 'stored fraud\n',
      stderr: 'hint: run `mlops list`\n',
    });
  });

  test('--json prints one enveloped document and no hints', async () => {
    const { stdout, stderr } = await run(['store', 'fraud', '--json']);
    expect(stdout).toMatch(/^\{\n {2}"schemaVersion": 1,\n {2}"data": \{\n/);
    expect(stdout.endsWith('}\n')).toBe(true);
    expect(JSON.parse(stdout)).toEqual({
      schemaVersion: 1,
      data: { model: 'fraud', metric: [], cwd: '/repo', verify: true },
    });
    expect(stderr).toBe('');
  });

  test('--quiet prints nothing and keeps the exit code', async () => {
    expect(await run(['show', 'fraud', '--quiet'])).toEqual({ code: 1, stdout: '', stderr: '' });
    expect(await run(['--quiet', '--json', 'store', 'fraud'])).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('a terminal changes the rendering only', async () => {
    expect((await run(['store', 'fraud'], { tty: true })).stdout).toBe('stored fraud on a terminal\n');
  });

  test('data that breaks the published contract fails the test that ran the command', async () => {
    await expect(run(['contract', 'fraud'])).rejects.toThrow('model');
  });
});

describe('words', () => {
  test('only the matched command is loaded', async () => {
    await run(['store', 'fraud']);
    expect(loaded).toEqual(['store']);
    await run(['config', 'get', 'fraud']);
    expect(loaded).toEqual(['config get']);
    await run(['--help']);
    expect(loaded).toEqual([]);
  });

  test.each([
    [['--json', '-C', 'sub', 'store', 'fraud']],
    [['store', '--json', '-C', 'sub', 'fraud']],
    [['store', 'fraud', '-C', 'sub', '--json']],
    [['put', '-Csub', 'fraud', '--json']],
  ])('global options may stand before, within or after the command: %j', async (argv) => {
    const { stdout } = await run(argv);
    expect(JSON.parse(stdout)).toMatchObject({ data: { model: 'fraud', cwd: '/repo/sub' } });
  });

  test('a repeatable option takes one value each time and swallows no argument', async () => {
    const { stdout } = await run([
      'store',
      '--metric',
      'a=1',
      'fraud',
      '-m',
      'b=-2',
      '--metric=c=x=y',
      '--json',
    ]);
    expect(JSON.parse(stdout)).toMatchObject({ data: { model: 'fraud', metric: ['a=1', 'b=-2', 'c=x=y'] } });
  });

  test('--version after a command is that command’s own option', async () => {
    const { stdout } = await run(['store', 'fraud', '--version', 'v1', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ data: { version: 'v1' } });
    expect((await run(['-C', 'sub', '--version', 'store'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(await run(['show', 'fraud', '--version'])).toMatchObject({ code: 2 });
  });

  test('--no-verify turns off what is on by default', async () => {
    const { stdout } = await run(['store', 'fraud', '--no-verify', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ data: { verify: false } });
  });

  test('words after -- are arguments, also those that look like options', async () => {
    const { stdout, stderr } = await run(['show', '--', '--json']);
    expect({ stdout, stderr }).toEqual({ stdout: '--json\n', stderr: '' });
  });

  test.each([
    [['show', 'fraud'], 'fraud\n'],
    [['show', 'fraud@v1'], 'fraud@v1\n'],
    [['show', 'fraud', 'v1'], 'fraud@v1\n'],
    [['show', 'sha256:0123abcd'], 'sha256:0123abcd\n'],
  ])('a reference may be two words: %j', async (argv, stdout) => {
    expect(await run(argv)).toMatchObject({ code: 1, stdout });
  });

  test.each([
    [['show', 'fraud', 'v1', 'v2'], '3 words'],
    [['show', 'fraud@v1', 'v2'], 'one word too many'],
    [['show', 'sha256:0123abcd', 'v2'], 'one word too many'],
  ])('a reference of too many words is refused: %j', async (argv, message) => {
    const { code, stderr } = await run(argv);
    expect(code).toBe(2);
    expect(stderr).toContain(`error: <ref...>: `);
    expect(stderr).toContain(message);
  });
});

describe('mistakes on the command line', () => {
  test('every invalid value is a line that names it as it is typed', async () => {
    expect(
      await run(['store', 'ab', '--metric', 'a=1', '--metric', 'nonsense', '--fail-on', 'never']),
    ).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'error: <model>: a model has at least 3 characters\n' +
        '  --metric: expected key=value\n' +
        '  --fail-on: expected low or high\n' +
        'hint: see `mlops store --help`\n',
    });
  });

  test.each([
    [['stroe', 'x'], "unknown command 'stroe'", 'did you mean `mlops store`?'],
    [['config', 'gte'], "unknown command 'gte'", 'did you mean `mlops config get`?'],
    [['stroe', '--help'], "unknown command 'stroe'", 'did you mean `mlops store`?'],
    [['help', 'stroe'], "unknown command 'stroe'", 'did you mean `mlops store`?'],
    [['xyzzy'], "unknown command 'xyzzy'", 'see `mlops --help`'],
    [['store', 'fraud', '--metrics', 'a=1'], "unknown option '--metrics'", 'did you mean --metric?'],
    [['store'], "missing required argument 'model'", 'see `mlops store --help`'],
    [
      ['store', 'fraud', 'a', 'b'],
      "too many arguments for 'store'. Expected 2 arguments but got 3",
      'see `mlops store --help`',
    ],
    [
      ['store', 'fraud', '--fail-on'],
      "option '--fail-on <level>' argument missing",
      'see `mlops store --help`',
    ],
    [['config'], '`mlops config` needs one of its commands: get', 'see `mlops config --help`'],
  ])('%j is exit 2 with a hint', async (argv, message, hint) => {
    expect(await run(argv)).toEqual({ code: 2, stdout: '', stderr: `error: ${message}\nhint: ${hint}\n` });
  });

  test('with --json anywhere they are one line of JSON', async () => {
    const { code, stdout, stderr } = await run(['store', '--nope', '--json']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr.split('\n')).toHaveLength(2);
    expect(JSON.parse(stderr)).toEqual({
      error: {
        code: 'UNKNOWN_OPTION',
        message: "unknown option '--nope'",
        hint: 'see `mlops store --help`',
        exitCode: 2,
        retryable: false,
      },
    });
  });
});

describe('errors of commands', () => {
  test('are told with their hint, and text from outside can neither colour nor imitate a line', async () => {
    expect(await run(['locked'])).toEqual({
      code: 5,
      stdout: '',
      stderr: 'error: held by \\x1b[31mpid 7\n  hint: rm -rf\nhint: wait\n',
    });
  });

  test('are coloured only where colour was asked for', async () => {
    expect((await run(['locked'], { color: true })).stderr).toContain('\u001b[31merror:\u001b[39m');
    expect((await run(['locked', '--no-color'], { color: true })).stderr).not.toContain('\u001b');
  });

  test('carry their exit code and whether a retry helps in JSON', async () => {
    const { code, stderr } = await run(['locked', '--json']);
    expect(code).toBe(5);
    expect(JSON.parse(stderr)).toMatchObject({
      error: { code: 'LOCKED', exitCode: 5, retryable: true, hint: 'wait' },
    });
  });

  test('of the operating system that nobody put into words are local I/O', async () => {
    expect(await run(['disk'])).toMatchObject({
      code: 6,
      stderr: 'error: EACCES: permission denied, open\n',
    });
  });

  test('that nobody foresaw are bugs: exit 70, the stack and what to report', async () => {
    const { code, stdout, stderr } = await run(['buggy']);
    expect({ code, stdout }).toEqual({ code: 70, stdout: '' });
    expect(stderr).toMatch(/^error: TypeError: x is not a function\n {2,}at /);
    expect(stderr).toContain('This is a bug in mlops');
    expect(stderr).toContain(`Node ${process.version}`);
    expect(JSON.parse((await run(['buggy', '--json'])).stderr)).toMatchObject({
      error: { code: 'INTERNAL', message: 'x is not a function', exitCode: 70 },
    });
  });

  test('after an interruption count as that interruption', async () => {
    const result = await run(['buggy'], { signal: AbortSignal.abort() });
    expect(result).toEqual({ code: 130, stdout: '', stderr: 'error: interrupted\n' });
  });
});

describe('help', () => {
  test.each([[[]], [['--help']], [['-h']], [['help']]])('%j lists the commands by group', async (argv) => {
    const { code, stdout, stderr } = await run(argv);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/Versions:\n {2}store +Store a thing\n {2}show +Show a thing\n/);
    expect(stdout).toMatch(/Settings and help:\n {2}config +Settings\n {2}help +/);
    expect(stdout).toContain('mlops help exit-codes');
  });

  test.each([[['store', '--help']], [['help', 'store']], [['put', '-h']]])(
    '%j explains one command',
    async (argv) => {
      const { code, stdout } = await run(argv);
      expect(code).toBe(0);
      expect(stdout).toContain('Usage: mlops store|put [options] <model> [path]\n');
      expect(stdout).toContain('Stores something.');
      expect(stdout).toMatch(/-m, --metric <key=value> +a metric \(repeatable\)/);
      expect(stdout).toContain('  # store a file\n  $ mlops store fraud model.bin\n');
      expect(stdout).toContain('mlops help exit-codes');
      expect(stdout).toMatch(/Global Options:\n {2}--json/);
    },
  );

  test('`help config get` goes into nouns', async () => {
    expect((await run(['help', 'config', 'get'])).stdout).toContain(
      'Usage: mlops config get [options] <ref...>',
    );
  });

  test.each([
    ['exit-codes', '  130  interrupted'],
    ['environment', 'NO_COLOR'],
    ['references', 'fraud@production'],
  ])('`help %s` explains a topic', async (topic, text) => {
    const { code, stdout } = await run(['help', topic]);
    expect(code).toBe(0);
    expect(stdout).toContain(text);
  });

  test('topics name every variable that is looked at, and fit a terminal of 80 columns', async () => {
    const { stdout } = await run(['help', 'environment']);
    const named = [...stdout.matchAll(/^ {2}([A-Z]\w+) /gm)].map(([, name]) => name);
    expect(named).toEqual(ENVIRONMENT_VARIABLES.map(({ name }) => name));
    for (const argv of [[], ...HELP_TOPICS.map((topic) => ['help', topic])]) {
      const lines = (await run(argv)).stdout.split('\n');
      expect(
        lines.filter((line) => line.length > 80),
        argv.join(' '),
      ).toEqual([]);
    }
  });

  test('the table of exit codes names every code there is', async () => {
    const { stdout } = await run(['help', 'exit-codes']);
    expect(stdout).toContain('70  internal error: a bug; the message says what to send to the maintainers');
    expect((await run(['help', 'references'])).stdout).not.toContain('run:');
    const named = [...stdout.matchAll(/^ +(\d+) {2}/gm)].map(([, code]) => Number(code));
    expect(named).toEqual(Object.values(ExitCode));
  });

  test('--version prints the version of the package', async () => {
    const { code, stdout } = await run(['--version']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
