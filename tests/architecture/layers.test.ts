import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');

interface LintResult {
  files: number;
  /** `file: message` of each forbidden import. */
  findings: string[];
}

/** Lints a tree of its own with this project's configuration, so that the rules are tested and not the sources. */
function lint(files: Readonly<Record<string, string>>): LintResult {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'mlops-layers-')));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  copyFileSync(join(ROOT, '.oxlintrc.json'), join(directory, '.oxlintrc.json'));
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'), 'dir');
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(directory, dirname(path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [join(ROOT, 'node_modules/oxlint/bin/oxlint'), '--format', 'json', 'src'],
    { cwd: directory, encoding: 'utf8' },
  );
  if (!stdout.startsWith('{')) throw new Error(`oxlint said: ${stdout}${stderr}`);
  const report = JSON.parse(stdout) as {
    number_of_files: number;
    diagnostics: { code: string; message: string; help?: string; filename: string }[];
  };
  return {
    files: report.number_of_files,
    findings: report.diagnostics
      .filter(({ code }) => code.includes('no-restricted-imports'))
      .map(({ filename, message, help }) => `${filename}: ${message} ${help ?? ''}`),
  };
}

const STYLES = {
  static: (target: string) => `import { thing } from '${target}';\nexport const used = thing;\n`,
  'type-only': (target: string) => `import type { Thing } from '${target}';\nexport type Used = Thing;\n`,
  dynamic: (target: string) => `export const load = () => import('${target}');\n`,
  're-export': (target: string) => `export * from '${target}';\n`,
};

const FORBIDDEN: readonly (readonly [from: string, target: string])[] = [
  ['src/commands/save.ts', '../storage/local/document-store.ts'],
  ['src/commands/save.ts', '../storage/document-store.ts'],
  ['src/commands/save.ts', '../git/git.ts'],
  ['src/commands/save.ts', '../cli/main.ts'],
  ['src/commands/config/get.ts', '../../storage/atomic-write.ts'],
  ['src/commands/config/get.ts', 'commander'],
  ['src/core/registry/save.ts', '../../storage/local/document-store.ts'],
  ['src/core/registry/save.ts', '../../storage/atomic-write.ts'],
  ['src/core/registry/save.ts', '../../git/simple-git.ts'],
  ['src/core/registry/save.ts', '../../ui/table.ts'],
  ['src/core/registry/save.ts', '../../cli/context.ts'],
  ['src/core/registry/save.ts', '../../commands/save.ts'],
  ['src/core/registry/save.ts', 'simple-git'],
  ['src/core/registry/save.ts', 'chalk'],
  ['src/storage/local/pack.ts', '../../core/registry/record.ts'],
  ['src/storage/local/pack.ts', '../../git/git.ts'],
  ['src/storage/local/pack.ts', '../../config/schema.ts'],
  ['src/storage/local/pack.ts', '../../ui/bytes.ts'],
  ['src/git/simple-git.ts', '../core/registry/record.ts'],
  ['src/git/simple-git.ts', '../storage/atomic-write.ts'],
  ['src/config/load.ts', '../core/repository/layout.ts'],
  ['src/config/load.ts', '../storage/document-store.ts'],
  ['src/ui/table.ts', '../core/registry/record.ts'],
  ['src/ui/table.ts', '../cli/context.ts'],
  ['src/lib/text.ts', '../core/registry/record.ts'],
  ['src/lib/text.ts', '../storage/atomic-write.ts'],
  ['src/lib/text.ts', '../ui/width.ts'],
  ['src/errors.ts', './core/registry/record.ts'],
  ['src/cli/main.ts', '../storage/local/document-store.ts'],
  ['src/cli/main.ts', '../git/simple-git.ts'],
  ['src/cli/main.ts', '../commands/save.ts'],
  ['src/cli/main.ts', 'tar'],
  ['src/cli/context.ts', '../commands/save.ts'],
];

const ALLOWED: readonly (readonly [from: string, target: string])[] = [
  ['src/commands/save.ts', '../cli/command.ts'],
  ['src/commands/save.ts', '../cli/context.ts'],
  ['src/commands/save.ts', '../core/registry/save.ts'],
  ['src/commands/save.ts', '../ui/table.ts'],
  ['src/commands/save.ts', '../errors.ts'],
  ['src/commands/config/get.ts', '../../cli/command.ts'],
  ['src/commands/config/get.ts', '../../core/registry/record.ts'],
  ['src/core/registry/save.ts', '../../storage/document-store.ts'],
  ['src/core/registry/save.ts', '../../storage/artifact-store.ts'],
  ['src/core/registry/save.ts', '../../git/git.ts'],
  ['src/core/registry/save.ts', '../audit/events.ts'],
  ['src/core/registry/save.ts', '../../lib/canonical-json.ts'],
  ['src/core/repository/open.ts', '../../config/schema.ts'],
  ['src/storage/local/pack.ts', '../object-store.ts'],
  ['src/storage/local/pack.ts', '../../lib/safe-path.ts'],
  ['src/storage/bundle.ts', 'tar'],
  ['src/git/simple-git.ts', 'simple-git'],
  ['src/ui/table.ts', 'cli-table3'],
  ['src/ui/table.ts', '../lib/terminal-text.ts'],
  ['src/lib/text.ts', '../errors.ts'],
  ['src/cli/context.ts', '../storage/local/document-store.ts'],
  ['src/cli/context.ts', '../git/simple-git.ts'],
  ['src/cli/manifest.ts', '../commands/save.ts'],
];

describe('the layers of src', () => {
  test.each(Object.entries(STYLES))(
    'a %s import against the direction is an error that says what to do',
    (style, write) => {
      const files: Record<string, string> = {};
      const expected: string[] = [];
      FORBIDDEN.forEach(([from, target], index) => {
        // `src/ui/table.ts` becomes a numbered file beside it, except where the rule is about that very file.
        const path =
          from.startsWith('src/cli/') || from === 'src/errors.ts'
            ? from
            : from.replace(/\.ts$/, `-${index}.ts`);
        files[path] =
          `${files[path] ?? ''}${write(target).replaceAll(/\b(thing|Thing|used|Used|load)\b/g, `$1${index}`)}`;
        expected.push(`${path} -> ${target}`);
      });
      const { findings } = lint(files);
      const missed = expected.filter((pair) => {
        const [path = '', target = ''] = pair.split(' -> ');
        return !findings.some(
          (finding) => finding.startsWith(`${path}: `) && finding.includes(`'${target}'`),
        );
      });
      expect(missed, `${style} imports that the linter let through`).toEqual([]);
      expect(findings).toHaveLength(FORBIDDEN.length);
      for (const finding of findings) expect(finding).toMatch(/[a-z].*[.;] ?$/);
    },
  );

  test('imports along the direction pass', () => {
    const files = Object.fromEntries(
      ALLOWED.map(([from, target], index) => {
        const fixed = from.startsWith('src/cli/');
        return [fixed ? from : from.replace(/\.ts$/, `-${index}.ts`), STYLES.static(target)];
      }),
    );
    const { files: looked, findings } = lint(files);
    expect(findings).toEqual([]);
    expect(looked).toBe(Object.keys(files).length);
  });

  test('the linter looks at the real sources, and they keep to the layers', () => {
    const { stdout } = spawnSync(
      process.execPath,
      [join(ROOT, 'node_modules/oxlint/bin/oxlint'), '--format', 'json', 'src'],
      { cwd: ROOT, encoding: 'utf8' },
    );
    const report = JSON.parse(stdout) as {
      number_of_files: number;
      diagnostics: { code?: string; filename: string }[];
    };
    expect(report.number_of_files).toBeGreaterThan(40);
    expect(report.diagnostics.filter(({ code }) => code?.includes('no-restricted-imports'))).toEqual([]);
  });
});
