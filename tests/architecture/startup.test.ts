import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const BIN = join(ROOT, 'bin/mlops.js');
const META = join(ROOT, 'dist/meta.json');

interface Metafile {
  outputs: Record<string, { inputs: Record<string, unknown> }>;
}

/** What a run of the real program in a fresh repository loaded: its own files below dist, and the sources and packages bundled into those. */
function loadedBy(argv: readonly string[]): { files: string[]; inputs: string[]; code: number | null } {
  if (!existsSync(META)) throw new Error('dist/meta.json is missing: run `npm run build` first');
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'mlops-startup-')));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  for (const [program, ...words] of [
    ['git', 'init', '--quiet'],
    [process.execPath, BIN, 'init', '--quiet'],
  ]) {
    spawnSync(program ?? '', words, { cwd: directory });
  }
  const coverage = join(directory, '.git', 'coverage');
  // eslint-disable-next-line node/no-process-env -- the program under test needs PATH to find git
  const env = { ...process.env, NODE_V8_COVERAGE: coverage };
  const { status } = spawnSync(process.execPath, [BIN, ...argv], { cwd: directory, env });
  const files = readdirSync(coverage).flatMap((name) => {
    const report = JSON.parse(readFileSync(join(coverage, name), 'utf8')) as { result: { url: string }[] };
    return report.result
      .filter(({ url }) => url.startsWith('file:'))
      .map(({ url }) => relative(ROOT, fileURLToPath(url)).replaceAll('\\', '/'));
  });
  const { outputs } = JSON.parse(readFileSync(META, 'utf8')) as Metafile;
  const inputs = files.flatMap((file) => Object.keys(outputs[file]?.inputs ?? {}));
  return { files, inputs, code: status };
}

/** Names of paths and nothing else; the context knows where `.mlops` is. */
const PATHS = 'src/core/repository/layout.ts';

const HEAVY = /node_modules\/(simple-git|tar|minizlib|@aws-sdk|@smithy|@duckdb|duckdb)\//;

describe('start-up', () => {
  test('`--version` loads nothing but the launcher', () => {
    const { files, code } = loadedBy(['--version']);
    expect(code).toBe(0);
    expect(files).toEqual(['bin/mlops.js']);
  });

  test('`--help` loads the program, but no command, no zod and nothing heavy', () => {
    const { files, inputs, code } = loadedBy(['--help']);
    expect(code).toBe(0);
    expect(files).toContain('dist/main.js');
    expect(inputs).toContain('src/cli/main.ts');
    expect(
      inputs
        .filter((input) => input !== PATHS)
        .filter((input) => HEAVY.test(input) || /src\/(commands|storage|git|core)\/|\/zod\//.test(input)),
    ).toEqual([]);
  });

  test.each(['list', 'completion'])('`%s` loads its own command only, and nothing heavy', (name) => {
    const { inputs } = loadedBy([name]);
    expect(inputs).toContain(`src/commands/${name}.ts`);
    expect(inputs.filter((input) => HEAVY.test(input))).toEqual([]);
    expect(inputs.filter((input) => input.startsWith('src/commands/'))).toEqual([`src/commands/${name}.ts`]);
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
