import * as z from 'zod';
import { defineCommand } from '../cli/command.ts';
import { findNotIgnored } from '../core/data/not-ignored.ts';
import { typedPaths } from '../core/data/place.ts';
import { dataStatus, type DataPathStatus } from '../core/data/status.ts';
import { remoteStatus, type RemoteStatus } from '../core/data/remote-status.ts';
import { ExitCode } from '../errors.ts';
import { shellWord } from '../lib/shell-word.ts';
import { printable } from '../lib/terminal-text.ts';
import { formatBytes } from '../ui/bytes.ts';
import { count } from '../ui/numbers.ts';
import { table } from '../ui/table.ts';
import type { Terminal } from '../ui/terminal.ts';

/** Files listed below each path. */
const MAX_LISTED = 10;

export default defineCommand({
  arguments: [
    { name: '[path...]', description: 'tracked paths, or directories that hold some (default: everything)' },
  ],
  options: [
    {
      flags: '--remote [name]',
      description: 'also ask the remote whether all versions and tracked data are there',
    },
  ],
  description:
    'Compares tracked data in the work tree with its pointers. modified: holds something that is saved nowhere; outdated: holds another saved state, so `mlops checkout` may replace it; missing: nothing is there. Exit 1 if anything differs, or is not on the remote; exit 3 if anything is damaged there.',
  examples: [
    { command: 'mlops status', explains: 'what was changed since it was recorded' },
    {
      command: 'mlops status --remote',
      explains: 'and whether a fresh clone could restore everything from the default remote',
    },
  ],
  input: z.object({
    path: z.array(z.string().min(1).max(4096)).default([]),
    remote: z.union([z.boolean(), z.string().min(1)]).default(false),
  }),
  output: z.lazy(() =>
    z.object({
      /** Nothing differs and nothing is missing on the remote that was asked. */
      clean: z.boolean(),
      paths: z.array(
        z.object({
          /** Relative to the Git root. */
          path: z.string(),
          state: z.enum(['unchanged', 'modified', 'outdated', 'missing', 'conflict', 'damaged']),
          digest: z.string().nullable(),
          /** Whether the bytes that the pointer names are in this clone. */
          present: z.boolean(),
          /** Files that differ from the pointer's; null where its list of files is not in this clone. */
          changes: z
            .array(z.object({ path: z.string(), change: z.enum(['added', 'modified', 'removed']) }))
            .nullable(),
          problem: z
            .object({ code: z.string(), message: z.string(), hint: z.string().nullable() })
            .nullable(),
        }),
      ),
      /** Null unless a remote was asked. */
      remote: z
        .object({
          name: z.string(),
          url: z.string(),
          checked: z.number(),
          missing: z.array(
            z.object({
              digest: z.string(),
              names: z.array(z.string()),
              state: z.enum(['absent', 'incomplete', 'damaged']),
              size: z.number(),
            }),
          ),
        })
        .nullable(),
    }),
  ),
  async run({ path: given, remote }, context) {
    const repository = await context.repository();
    const paths = await typedPaths(repository, context.cwd, given);
    const { signal } = context;
    const progress = context.progress('reading', 'bytes');
    let found: DataPathStatus[];
    try {
      found = await dataStatus(repository, {
        paths,
        signal,
        onProgress: ({ bytes, totalBytes }) => progress.update(bytes, totalBytes),
      });
    } finally {
      progress.stop();
    }
    const asked =
      remote === false
        ? undefined
        : await remoteStatus(repository, { remote: remote === true ? undefined : remote, signal });
    const problem = found.find((each) => each.problem !== undefined)?.problem;
    const known = found.flatMap(({ pointer }) => (pointer === undefined ? [] : [pointer.path]));
    const exposed = await findNotIgnored(repository, known);
    if (exposed.length > 0) context.warn(describeExposed(exposed));
    const clean = found.every(({ state }) => state === 'unchanged') && (asked?.missing.length ?? 0) === 0;
    const damaged = asked?.missing.some(({ state }) => state === 'damaged') === true;
    return {
      data: { clean, paths: found.map(toJson), remote: asked ?? null },
      text: (view) => describe(found, view) + describeRemote(asked, view),
      exitCode: problem?.exitCode ?? (damaged ? ExitCode.integrity : clean ? ExitCode.ok : ExitCode.no),
      hints: [...advice(found, asked), ...ruleAdvice(exposed)],
    };
  },
});

function toJson({ path, state, pointer, present, changes, problem }: DataPathStatus): {
  path: string;
  state: DataPathStatus['state'];
  digest: string | null;
  present: boolean;
  changes: { path: string; change: 'added' | 'modified' | 'removed' }[] | null;
  problem: { code: string; message: string; hint: string | null } | null;
} {
  return {
    path,
    state,
    digest: pointer?.digest ?? null,
    present,
    changes: changes?.map((each) => ({ ...each })) ?? null,
    problem:
      problem === undefined
        ? null
        : { code: problem.code, message: problem.message, hint: problem.hint ?? null },
  };
}

function describe(found: readonly DataPathStatus[], view: Terminal): string {
  if (found.length === 0) return 'No data is tracked\n';
  const differing = found.filter(({ state }) => state !== 'unchanged');
  const same = found.length - differing.length;
  const rows = differing.map((each) => [each.path, each.state, explain(each)]);
  const columns = [{ header: 'PATH' }, { header: 'STATE' }, { header: 'WHAT' }];
  const listed = differing.flatMap(filesOf).map((line) => `${line}\n`);
  const summary = differing.length === 0 ? `${count(same, 'tracked path')} unchanged\n` : '';
  return table({ columns, rows }, { ...view, columns: Infinity }) + listed.join('') + summary;
}

function explain({ state, present, changes, problem, pointer }: DataPathStatus): string {
  if (problem !== undefined) return problem.message;
  const away = present ? '' : '; the bytes of the pointer are not in this clone';
  if (state === 'missing') return `${count(pointer?.files ?? 0, 'file')} not there${away}`;
  if (state === 'outdated') return `holds another saved state${away}`;
  if (pointer?.kind === 'file' && changes?.length === 1) return `other content${away}`;
  const counts = (['added', 'modified', 'removed'] as const).flatMap((change) => {
    const number = changes?.filter((each) => each.change === change).length ?? 0;
    return number === 0 ? [] : [`${number} ${change}`];
  });
  return `${counts.length === 0 ? 'differs' : counts.join(', ')}${away}`;
}

function filesOf({ path, state, changes }: DataPathStatus): string[] {
  if (state !== 'modified' || changes === undefined) return [];
  const named = changes.filter((each) => each.path !== '');
  const lines = named
    .slice(0, MAX_LISTED)
    .map((each) => `  ${each.change.padEnd(8)} ${printable(`${path}/${each.path}`)}`);
  if (named.length > MAX_LISTED) lines.push(`  and ${named.length - MAX_LISTED} more`);
  return lines;
}

function describeRemote(asked: RemoteStatus | undefined, view: Terminal): string {
  if (asked === undefined) return '';
  const { name, url, checked, missing } = asked;
  const where = `${name} (${printable(url)})`;
  if (missing.length === 0) return `${where} holds all of ${count(checked, 'artifact')}\n`;
  const rows = missing.map(({ names, state, size }) => [names.join(', '), state, formatBytes(size)]);
  const columns = [{ header: 'NOT ON THE REMOTE' }, { header: 'STATE' }, { header: 'SIZE' }];
  return `${table({ columns, rows }, { ...view, columns: Infinity })}${where} lacks ${missing.length} of ${count(checked, 'artifact')}\n`;
}

function describeExposed(paths: readonly string[]): string {
  const more = paths.length > MAX_LISTED ? ` and ${paths.length - MAX_LISTED} more` : '';
  const names = paths.slice(0, MAX_LISTED).map(printable).join(', ');
  return `${names}${more}: tracked, and not ignored by Git, so \`git add\` would take the bytes`;
}

function ruleAdvice(exposed: readonly string[]): string[] {
  if (exposed.length === 0) return [];
  const words = exposed.slice(0, MAX_LISTED).map(shellWord).join(' ');
  return [`write the rules of .gitignore again: mlops data add ${words}`];
}

function advice(found: readonly DataPathStatus[], asked: RemoteStatus | undefined): string[] {
  const hints: string[] = [];
  const first = (state: DataPathStatus['state']): DataPathStatus | undefined =>
    found.find((each) => each.state === state);
  const modified = first('modified');
  if (modified !== undefined) {
    const word = shellWord(modified.path);
    hints.push(`save the change: mlops data add ${word}; or drop it: mlops checkout --force ${word}`);
  }
  const problem = found.find((each) => each.problem?.hint !== undefined)?.problem;
  if (problem?.hint !== undefined) hints.push(problem.hint);
  if (first('outdated') !== undefined || first('missing') !== undefined) {
    hints.push('restore what the pointers name: mlops checkout');
  }
  const unsaved = found.find(({ state, present }) => state === 'unchanged' && !present);
  if (unsaved !== undefined) {
    hints.push(
      `the bytes of ${printable(unsaved.path)} are in the work tree and not in .mlops/cache: keep them with mlops data add ${shellWord(unsaved.path)}`,
    );
  }
  if (asked?.missing.some(({ state }) => state === 'damaged') === true)
    hints.push('replace what is damaged on the remote: mlops push --repair');
  else if (asked !== undefined && asked.missing.length > 0) hints.push('send what is missing: mlops push');
  return hints;
}
