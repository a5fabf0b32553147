import * as z from 'zod';
import { defineCommand } from '../cli/command.ts';
import { RefWords } from '../cli/ref-words.ts';
import { ExitCode } from '../errors.ts';
import { EventSummary, summariseEvent } from '../core/audit/index.ts';
import type { VersionState } from '../core/registry/model-state.ts';
import { metricNumber } from '../core/registry/record.ts';
import { showVersion } from '../core/registry/show.ts';
import { summarise, VersionSummary } from '../core/registry/version-summary.ts';
import { formatBytes, formatExactBytes } from '../ui/bytes.ts';
import { describeEvent } from '../ui/event-line.ts';
import { keyValues } from '../ui/key-values.ts';
import { count, formatMetric } from '../ui/numbers.ts';
import { table } from '../ui/table.ts';
import type { Terminal } from '../ui/terminal.ts';
import { formatTime } from '../ui/time.ts';

const FileEntry = z.lazy(() =>
  z.object({
    path: z.string(),
    size: z.number(),
    sha256: z.string(),
    executable: z.boolean(),
  }),
);

export default defineCommand({
  arguments: [
    { name: '<ref...>', description: '<model>, <model>@<version>, <model>@<stage> or sha256:<digest>' },
  ],
  options: [
    { flags: '--files', description: 'list the files of the artifact' },
    { flags: '--remote [name]', description: 'also ask the remote whether it holds the bytes' },
  ],
  examples: [
    {
      command: 'mlops show fraud_detector@production',
      explains: 'what is in production, and where it came from',
    },
    { command: 'mlops show fraud_detector v1.0.1 --files', explains: 'one version and its files' },
  ],
  input: z.object({
    ref: RefWords,
    files: z.boolean().default(false),
    remote: z.union([z.boolean(), z.string().min(1)]).default(false),
  }),
  output: z.lazy(() =>
    VersionSummary.unwrap().extend({
      /** MLflow's integer version. */
      number: z.number(),
      path: z.string(),
      kind: z.enum(['file', 'directory']),
      formatDetails: z.record(z.string(), z.unknown()),
      signature: z.unknown(),
      lineage: z.record(z.string(), z.unknown()),
      history: z.array(EventSummary),
      /** `remote` is null unless it was asked with `--remote`. */
      present: z.object({ local: z.boolean(), remote: z.boolean().nullable() }),
      /** The artifact that holds the profile of its reference data; null where it has none. */
      referenceProfile: z.object({ digest: z.string(), size: z.number() }).nullable(),
      entries: z.array(FileEntry).nullable(),
    }),
  ),
  async run({ ref, files: listFiles, remote }, context) {
    const repository = await context.repository();
    const shown = await showVersion(repository, ref, { remote, signal: context.signal });
    const { version, rank, history, present, onRemote, files, problems } = shown;
    for (const { error } of problems)
      context.warn(error.hint === undefined ? error.message : `${error.message}; ${error.hint}`);
    const { record } = version;
    return {
      data: {
        ...summarise(version),
        number: rank,
        path: record.path,
        kind: record.kind,
        formatDetails: record.format.details,
        signature: record.signature ?? null,
        lineage: record.lineage,
        history: history.map(summariseEvent),
        present: { local: present, remote: onRemote ?? null },
        referenceProfile:
          record.referenceProfile === undefined
            ? null
            : { digest: record.referenceProfile.digest, size: record.referenceProfile.size },
        entries: files === undefined ? null : [...files],
      },
      text: (view) =>
        [
          describe(version, { rank, present, onRemote }, view),
          measurements(version, view),
          listFiles ? fileTable(files, view) : '',
          `\nHistory\n${history.map((event) => `  ${describeEvent(summariseEvent(event), view)}\n`).join('')}`,
        ].join(''),
      exitCode: problems[0]?.error.exitCode ?? ExitCode.ok,
    };
  },
});

function describe(
  version: VersionState,
  { rank, present, onRemote }: { rank: number; present: boolean; onRemote: boolean | undefined },
  view: Terminal,
): string {
  const { record, stages, tags, description, deprecated } = version;
  const { git, data, parent } = record.lineage;
  const details = Object.entries(record.format.details).map(
    ([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const framework =
    record.format.framework === record.format.name
      ? record.format.name
      : `${record.format.framework} (${record.format.name})`;
  return keyValues(
    [
      ['version', `${record.model}@${record.version}  (number ${rank})`],
      ['stages', stages.length === 0 ? undefined : stages.join(', ')],
      [
        'deprecated',
        deprecated === undefined
          ? undefined
          : `${deprecated.reason ?? 'yes'} (${formatTime(deprecated.time, view)})`,
      ],
      ['description', description],
      ['digest', record.digest],
      [
        'size',
        `${formatExactBytes(record.size)} in ${count(record.files, 'file')}, saved from ${record.path}`,
      ],
      ['bytes', [present ? 'in this clone' : 'not (all) in this clone', ...remoteLine(onRemote)]],
      ['format', [framework, ...details]],
      ['created', `${formatTime(record.createdAt, view)} by ${record.createdBy}`],
      ['code', git === undefined ? undefined : describeCode(git)],
      [
        'data',
        (data ?? []).map(
          ({ role, path, digest, size }) => `${role}: ${path} (${formatBytes(size)}, ${digest.slice(0, 19)})`,
        ),
      ],
      [
        'reference',
        record.referenceProfile === undefined
          ? undefined
          : `profile of ${formatBytes(record.referenceProfile.size)} (${record.referenceProfile.digest.slice(0, 19)})`,
      ],
      ['parent', parent],
      ['tags', Object.entries(tags).map(([key, value]) => `${key}=${value}`)],
    ],
    view,
  );
}

function remoteLine(onRemote: boolean | undefined): string[] {
  if (onRemote === undefined) return [];
  return [onRemote ? 'on the remote' : 'not (all) on the remote'];
}

function describeCode(git: NonNullable<VersionState['record']['lineage']['git']>): string[] {
  const state = git.dirty ? ' with uncommitted changes' : '';
  const at =
    git.commit === undefined
      ? 'before the first commit'
      : `${git.commit.slice(0, 12)}${git.branch === undefined ? '' : ` on ${git.branch}`}`;
  return [`${at}${state}`, ...(git.remote === undefined ? [] : [git.remote])];
}

function measurements({ record }: VersionState, view: Terminal): string {
  const metrics = Object.entries(record.metrics).map(
    ([key, value]) => [key, formatMetric(metricNumber(value))] as const,
  );
  const params = Object.entries(record.params);
  const section = (title: string, rows: readonly (readonly [string, string])[]): string =>
    rows.length === 0
      ? ''
      : `\n${title}\n${keyValues(
          rows.map(([key, value]) => [`  ${key}`, value] as const),
          view,
        )}`;
  return section('Metrics', metrics) + section('Params', params);
}

function fileTable(files: readonly z.output<typeof FileEntry>[] | undefined, view: Terminal): string {
  if (files === undefined) return '\nFiles\n  not in this clone\n';
  const columns = [
    { header: 'PATH' },
    { header: 'SIZE', align: 'right' as const },
    { header: 'SHA-256' },
    { header: 'MODE' },
  ];
  const rows = files.map((file) => [
    file.path === '' ? '(the file itself)' : file.path,
    formatBytes(file.size),
    file.sha256.slice(0, 16),
    file.executable ? 'executable' : '',
  ]);
  return `\n${table({ columns, rows }, view)}`;
}
