import { resolve } from 'node:path';
import * as z from 'zod';
import { defineCommand } from '../cli/command.ts';
import type { Context } from '../cli/context.ts';
import { UsageError } from '../errors.ts';
import { followUpInGit } from '../core/registry/git-follow-up.ts';
import { parseMetricPairs, parsePairs, readMetricsFile } from '../core/registry/measurements.ts';
import { ModelName, VersionLabel } from '../core/registry/names.ts';
import type { MetricValue } from '../core/registry/record.ts';
import { save, type SavedVersion } from '../core/registry/save.ts';
import type { Repository } from '../core/repository/repository.ts';
import { formatBytes } from '../ui/bytes.ts';
import { count } from '../ui/numbers.ts';

const Pairs = z.array(z.string()).default([]);

const Input = z
  .object({
    model: ModelName,
    path: z.string().min(1),
    version: VersionLabel.optional(),
    bump: z.enum(['major', 'minor', 'patch'], 'expected major, minor or patch').optional(),
    metric: Pairs,
    metrics: z.string().optional(),
    param: Pairs,
    tag: Pairs,
    description: z.string().max(20_000, 'a description has at most 20,000 characters').optional(),
    data: Pairs,
    reference: z.array(z.string().min(1).max(4096)).max(10_000).default([]),
    run: z.string().min(1).max(256).optional(),
    allowCollisions: z.boolean().default(false),
    commit: z.boolean().default(false),
    dryRun: z.boolean().default(false),
  })
  .refine(
    ({ version, bump }) => version === undefined || bump === undefined,
    'give --version or --bump, not both',
  );

export default defineCommand({
  arguments: [
    { name: '<model>', description: 'name of the model; created if it is new' },
    { name: '<path>', description: 'file or directory to store' },
  ],
  options: [
    {
      flags: '--version <label>',
      description: 'label of the version, such as v1.2.0 (default: a UTC timestamp)',
    },
    { flags: '--bump <part>', description: 'next semantic version: major, minor or patch' },
    { flags: '--metric <key=value...>', description: 'a metric; repeatable; nan and inf are numbers' },
    { flags: '--metrics <file>', description: 'a JSON file of metrics; nested names are joined with "."' },
    { flags: '--param <key=value...>', description: 'a hyper-parameter; repeatable' },
    { flags: '--tag <key=value...>', description: 'a tag; repeatable' },
    { flags: '--description <text>', description: 'what this version is' },
    {
      flags: '--data <role=path...>',
      description: 'data it was made from; its digest is recorded; repeatable',
    },
    {
      flags: '--reference <data...>',
      description:
        'data that drift is to be measured against, such as the training set: its profile is stored with the version; a file, a quoted glob, or what `mlops profile` wrote; repeatable',
    },
    {
      flags: '--run <run>',
      description: 'the run it came from: id, start of it, or name (default: MLOPS_RUN_ID)',
    },
    { flags: '--allow-collisions', description: 'store names that clash on Windows or macOS' },
    { flags: '--commit', description: 'commit the metadata, and nothing else that is staged' },
    { flags: '--dry-run', description: 'say what would be stored, and write nothing' },
  ],
  description:
    'The bytes go into .mlops/cache, the record and its event are small JSON files that are added to the Git index. The format of the model is read from its content; nothing is ever executed or unpickled.',
  examples: [
    {
      command: 'mlops save fraud_detector build/model --bump minor --metrics metrics.json',
      explains: 'store a directory as the next minor version',
    },
    {
      command:
        'mlops save churn model.onnx --version v2.0.0 --metric auc=0.91 --data train=data/train.csv --commit',
      explains: 'with a label, a metric, the data it saw, and a commit',
    },
    {
      command: 'mlops save fraud_detector build/model --reference data/train.csv',
      explains: 'so that `mlops drift fraud_detector@latest today.csv` needs no training data',
    },
  ],
  input: Input,
  output: z.lazy(() =>
    z.object({
      model: z.string(),
      version: z.string(),
      digest: z.string(),
      size: z.number(),
      files: z.number(),
      blobs: z.object({ total: z.number(), new: z.number(), newBytes: z.number(), storedBytes: z.number() }),
      event: z.string().nullable(),
      created: z.boolean(),
      dryRun: z.boolean(),
      /** Id of the run that it came from. */
      run: z.string().nullable(),
      /** The artifact that holds the profile of its reference data; null where it has none. */
      referenceProfile: z.object({ digest: z.string(), size: z.number() }).nullable(),
      format: z.object({ name: z.string(), framework: z.string() }),
      git: z.object({
        outcome: z.enum(['committed', 'staged', 'failed', 'none']),
        commit: z.string().nullable(),
      }),
    }),
  ),
  async run(input, context) {
    const data = parseData(input.data, context);
    const metrics = await collectMetrics(input, context);
    const params = parsePairs(input.param, 'param');
    const tags = parsePairs(input.tag, 'tag');
    const repository = await context.repository();
    const run = await runOf(input.run, repository, context);
    const referenceProfile = await profileReference(input.reference, repository, context);
    const progress = context.progress('saving', 'bytes');
    const { model, version: label, bump, description, allowCollisions, dryRun } = input;
    let saved: SavedVersion;
    try {
      saved = await save(repository, {
        model,
        source: resolve(context.cwd, input.path),
        label,
        bump,
        metrics,
        params,
        tags,
        description,
        data,
        run,
        referenceProfile,
        allowCollisions,
        dryRun,
        signal: context.signal,
        onProgress: ({ bytes, totalBytes }) => progress.update(bytes, totalBytes),
      });
    } finally {
      progress.stop();
    }
    const { record, stored, event, created, warnings, written } = saved;
    for (const warning of warnings) context.warn(warning);
    const git = await followUpInGit(repository, {
      written,
      commit: input.commit,
      message: `Save ${model} ${record.version}`,
    });
    if (git.problem !== undefined) context.warn(`saved, but not added to Git: ${git.problem}`);
    return {
      data: {
        model,
        version: record.version,
        digest: stored.digest,
        size: stored.size,
        files: stored.files,
        blobs: stored.blobs,
        event: event ?? null,
        created,
        dryRun,
        run: record.lineage.run ?? null,
        referenceProfile:
          record.referenceProfile === undefined
            ? null
            : { digest: record.referenceProfile.digest, size: record.referenceProfile.size },
        format: { name: record.format.name, framework: record.format.framework },
        git: { outcome: git.outcome, commit: git.commit ?? null },
      },
      text: () => describeSave(saved, dryRun),
      hints: created ? [`put it to use: mlops promote ${model}@${record.version} --to staging`] : [],
    };
  },
});

function parseData(pairs: readonly string[], context: Context): { role: string; path: string }[] {
  return [...parsePairs(pairs, 'data')].map(([role, path]) => {
    if (path === '')
      throw new UsageError('PAIR_INVALID', `--data: "${role}=" names no path`, {
        hint: 'for example --data train=data/train.csv',
      });
    return { role, path: resolve(context.cwd, path) };
  });
}

/**
 * Id of the run that a version came from. A run that the environment names and this repository does not have is no reason to lose a
 * model.
 */
async function runOf(
  named: string | undefined,
  repository: Repository,
  context: Context,
): Promise<string | undefined> {
  if ((named ?? context.env['MLOPS_RUN_ID'] ?? '') === '') return undefined;
  const { namedRun, openRunStore } = await import('../core/runs/index.ts');
  const store = await openRunStore(repository);
  try {
    return (await namedRun(store, named, context.env)).id;
  } catch (error) {
    if (named !== undefined || !(error instanceof UsageError)) throw error;
    context.warn(`MLOPS_RUN_ID: ${error.message}; the version is saved without its run`);
    return undefined;
  } finally {
    await store.close();
  }
}

/** The bytes of the profile that the version is to keep. */
async function profileReference(
  words: readonly string[],
  repository: Repository,
  context: Context,
): Promise<Uint8Array | undefined> {
  if (words.length === 0) return undefined;
  const { profileReferenceData } = await import('../core/drift/profile/reference-data.ts');
  const progress = context.progress('profiling', 'items');
  try {
    const { bytes, notes } = await profileReferenceData(words, {
      cwd: context.cwd,
      repository,
      tables: () => context.tables(),
      signal: context.signal,
      onColumn: (done, total) => progress.update(done, total),
    });
    for (const note of notes) context.warn(note);
    return bytes;
  } finally {
    progress.stop();
  }
}

async function collectMetrics(
  input: z.output<typeof Input>,
  context: Context,
): Promise<Map<string, MetricValue>> {
  const fromFile =
    input.metrics === undefined ? [] : await readMetricsFile(resolve(context.cwd, input.metrics));
  // What was typed wins over the file.
  return new Map([...fromFile, ...parseMetricPairs(input.metric)]);
}

function describeSave({ record, stored, created }: SavedVersion, dryRun: boolean): string {
  const { model, version, format } = record;
  const { blobs } = stored;
  const name = `${model}@${version}`;
  const { referenceProfile } = record;
  const reference =
    referenceProfile === undefined
      ? ''
      : `  profile of the reference data: ${formatBytes(referenceProfile.size)}\n`;
  const size = `${count(stored.files, 'file')}, ${formatBytes(stored.size)}`;
  const added =
    blobs.new === 0
      ? 'nothing new to store'
      : `${formatBytes(blobs.newBytes)} new, ${formatBytes(blobs.storedBytes)} on disk`;
  const what =
    format.name === 'unknown'
      ? ''
      : `  ${format.framework === format.name ? format.name : `${format.framework}, ${format.name}`}`;
  if (dryRun) return `Would save ${name}: ${size}; ${added}\n  ${stored.digest}${what}\n${reference}`;
  if (!created) return `${name} is saved already: ${size}; nothing was written\n  ${stored.digest}\n`;
  return `Saved ${name}: ${size}; ${added}\n  ${stored.digest}${what}\n${reference}`;
}
