import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const BIN = join(ROOT, 'bin/mlops.js');

/** Whoever runs the tests may have some. */
const NO_CREDENTIALS = {
  AWS_ACCESS_KEY_ID: '',
  AWS_SECRET_ACCESS_KEY: '',
  AWS_PROFILE: '',
  AWS_CONFIG_FILE: '/nonexistent/config',
  AWS_SHARED_CREDENTIALS_FILE: '/nonexistent/credentials',
  AWS_WEB_IDENTITY_TOKEN_FILE: '',
  AWS_CONTAINER_CREDENTIALS_FULL_URI: '',
  AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '',
  AWS_EC2_METADATA_DISABLED: 'true',
};

interface CoverageReport {
  result: { url: string; functions: { functionName: string; ranges: { count: number }[] }[] }[];
}

/**
 * What a run of the real program in a fresh repository loaded: files by their place in this package, and the modules of the
 * bundle that ran. A module that nothing imported yet is a function of its path's name that was never called.
 */
function loadedBy(
  argv: readonly string[],
  { config }: { config?: object } = {},
): { files: string[]; inputs: string[]; code: number | null } {
  if (!existsSync(join(ROOT, 'dist/main.cjs'))) throw new Error('dist is missing: run `npm run build` first');
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'mlops-startup-')));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  for (const [program, ...words] of [
    ['git', 'init', '--quiet'],
    [process.execPath, BIN, 'init', '--quiet'],
  ]) {
    spawnSync(program ?? '', words, { cwd: directory });
  }
  writeFileSync(join(directory, 'model.bin'), 'a model');
  if (config !== undefined) writeFileSync(join(directory, '.mlops/local.json'), JSON.stringify(config));
  const coverage = join(directory, '.git', 'coverage');
  // eslint-disable-next-line node/no-process-env -- the program under test needs PATH to find git
  const env = { ...process.env, ...NO_CREDENTIALS, NODE_V8_COVERAGE: coverage };
  const { status } = spawnSync(process.execPath, [BIN, ...argv], { cwd: directory, env });
  const scripts = readdirSync(coverage).flatMap(
    (name) => (JSON.parse(readFileSync(join(coverage, name), 'utf8')) as CoverageReport).result,
  );
  return {
    code: status,
    files: scripts.flatMap(({ url }) => fileOf(url)),
    inputs: scripts
      .filter(({ url }) => url.endsWith('dist/main.cjs'))
      .flatMap(({ functions }) => functions)
      .filter(({ functionName, ranges }) => functionName.includes('/') && (ranges[0]?.count ?? 0) > 0)
      .map(({ functionName }) => functionName),
  };
}

/** The launcher names the bundle itself; everything else is a file. */
function fileOf(url: string): string[] {
  if (url === 'mlops/dist/main.cjs') return ['dist/main.cjs'];
  return url.startsWith('file:') ? [relative(ROOT, fileURLToPath(url)).replaceAll('\\', '/')] : [];
}

/** Names of paths and nothing else; the context knows where `.mlops` is. */
const PATHS = 'src/core/repository/layout.ts';

const HEAVY = /dist\/vendor\/|node_modules\/(simple-git|tar|minizlib|@aws-sdk|@smithy|@duckdb|duckdb)\//;

describe('start-up', () => {
  test('`--version` loads nothing but the launcher', () => {
    const { files, code } = loadedBy(['--version']);
    expect(code).toBe(0);
    expect(files.toSorted()).toEqual(['bin/mlops.js', 'bin/script.js']);
  });

  test('`--help` loads the program, but no command, no zod and nothing heavy', () => {
    const { files, inputs, code } = loadedBy(['--help']);
    expect(code).toBe(0);
    expect(files).toContain('dist/main.cjs');
    expect(files.filter((file) => HEAVY.test(file))).toEqual([]);
    expect(inputs).toContain('src/cli/manifest.ts');
    expect(
      inputs
        .filter((input) => input !== PATHS)
        .filter((input) => HEAVY.test(input) || /src\/(commands|storage|git|core)\/|\/zod\//.test(input)),
    ).toEqual([]);
  });

  test.each(['list', 'completion'])('`%s` loads its own command only, and nothing heavy', (name) => {
    const { files, inputs } = loadedBy([name]);
    expect(files.filter((file) => HEAVY.test(file))).toEqual([]);
    expect(inputs).toContain(`src/commands/${name}.ts`);
    expect(inputs.filter((input) => HEAVY.test(input))).toEqual([]);
    expect(inputs.filter((input) => input.startsWith('src/commands/'))).toEqual([`src/commands/${name}.ts`]);
  });

  test('`save` loads what `list` must not, so the tests above can fail', () => {
    const { files, inputs } = loadedBy(['save', 'model', 'model.bin']);
    expect(files).toContain('dist/vendor/simple-git.cjs');
    expect(inputs).toContain('src/commands/save.ts');
  });

  test('the S3 client is loaded by who talks to a bucket, and not because one is configured', () => {
    const endpoint = 'http://127.0.0.1:9';
    const config = { remotes: { origin: { url: 's3://models/prod', endpoint } } };
    const client = 'dist/vendor/client-s3.cjs';
    const asked = loadedBy(['remote', 'test'], { config });
    expect(asked.code).toBe(7);
    expect(asked.files).toContain(client);
    for (const argv of [['list'], ['remote', 'list'], ['save', 'model', 'model.bin']]) {
      const { files, code } = loadedBy(argv, { config });
      expect(code).toBe(0);
      expect(files).not.toContain(client);
    }
  });

  test('heavy packages are imported in one place each, and never statically', () => {
    const imports = sources().flatMap((path) => {
      const text = readFileSync(join(ROOT, path), 'utf8');
      return [
        ...text.matchAll(
          /^\s*(import\s(?!type\b)[^;]*?from|.*\bimport\()\s*'(simple-git|tar|@aws-sdk\/[^']+|@duckdb\/[^']+)'/gm,
        ),
      ].map(([, form = '', name = '']) => ({ path, name, dynamic: form.endsWith('import(') }));
    });
    expect(imports.filter(({ dynamic }) => !dynamic)).toEqual([]);
    for (const name of new Set(imports.map((each) => each.name))) {
      const places = imports.filter((each) => each.name === name).map(({ path }) => path);
      expect(new Set(places).size, `${name} in ${places.join(', ')}`).toBe(1);
    }
  });
});

function sources(): string[] {
  const found = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
  return found.filter((path) => path.endsWith('.ts')).map((path) => `src/${path.replaceAll('\\', '/')}`);
}
