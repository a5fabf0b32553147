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
  const size = `${count(stored.files, 'file')}, ${formatBytes(stored.size)}`;
  const added =
    blobs.new === 0
      ? 'nothing new to store'
      : `${formatBytes(blobs.newBytes)} new, ${formatBytes(blobs.storedBytes)} on disk`;
  const what =
    format.name === 'unknown'
      ? ''
      : `  ${format.framework === format.name ? format.name : `${format.framework}, ${format.name}`}`;
  if (dryRun) return `Would save ${name}: ${size}; ${added}\n  ${stored.digest}${what}\n`;
  if (!created) return `${name} is saved already: ${size}; nothing was written\n  ${stored.digest}\n`;
  return `Saved ${name}: ${size}; ${added}\n  ${stored.digest}${what}\n`;
}
