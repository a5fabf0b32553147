import { resolve } from 'node:path';
import * as z from 'zod';
import { defineCommand, type View } from '../cli/command.ts';
import type { Context } from '../cli/context.ts';
import { assertNoInput, DRIFT_RULES, DriftRulesInput, readDriftRules } from '../cli/drift-input.ts';
import type { Profile } from '../core/drift/profile/profile.ts';
import { printable } from '../lib/terminal-text.ts';
import { formatBytes } from '../ui/bytes.ts';
import { count } from '../ui/numbers.ts';
import { table } from '../ui/table.ts';

const Rows = (least: number) => z.coerce.number('expected a whole number').int().min(least);
const { columns, exclude, type, config, null: nulls } = DriftRulesInput;
const OF_DATA = [
  'columns',
  'exclude',
  'type',
  'config',
  'null',
  'sample',
  'seed',
  'minCount',
  'hashLevels',
] as const;

const Input = z
  .object({
    data: z.array(z.string().min(1).max(4096)).min(1).max(10_000),
    output: z.string('name the file: -o <file>').min(1).max(4096),
    merge: z.boolean().default(false),
    minCount: Rows(1).optional(),
    hashLevels: z.boolean().optional(),
    sample: Rows(100).optional(),
    seed: Rows(0).optional(),
    columns,
    exclude,
    type,
    config,
    null: nulls,
  })
  .refine(
    (input) => !input.merge || OF_DATA.every((name) => input[name] === undefined),
    '--merge takes the profiles as they are: give options on columns, types and rows when you profile the data',
  );
type ProfileInput = z.output<typeof Input>;

export default defineCommand({
  arguments: [
    { name: '<data...>', description: 'files and quoted globs that are one data set; with --merge profiles' },
  ],
  options: [
    { flags: '-o, --output <file>', description: 'where to write the profile (required)' },
    {
      flags: '--merge',
      description:
        'make one profile of the profiles of several parts; its quantiles are less exact by half a step',
    },
    ...DRIFT_RULES.filter(({ flags }) => /^--(?:columns|exclude|type|config|null) /.test(flags)),
    {
      flags: '--min-count <rows>',
      description:
        'show no category and no value of fewer rows, leave as many between quantiles, and round the ends of ranges outwards',
    },
    {
      flags: '--hash-levels',
      description:
        'write hashes of categories: HMAC-SHA-256 with the secret in MLOPS_PROFILE_KEY, or without one SHA-256, which guessing undoes',
    },
    { flags: '--sample <rows>', description: 'look at this many rows for quantiles where there are more' },
    {
      flags: '--seed <number>',
      description: 'of the sample (default: 0); the same seed takes the same rows',
    },
  ],
  description:
    'Quantiles, counts and categories of each column, and no rows: what drift checks need of a data set. A check against a profile never finds more than one against the data would. The same data give the same bytes, so that a profile can be committed and reviewed.',
  examples: [
    {
      command: 'mlops profile train.csv -o train.profile.json',
      explains: 'keep a training set for later checks',
    },
    {
      command: 'mlops profile --merge part1.json part2.json -o all.json',
      explains: 'of parts that were profiled where they lie',
    },
    {
      command: 'mlops profile customers.parquet -o customers.json --exclude id --min-count 20 --hash-levels',
      explains: 'nothing that less than 20 rows have, and no category in plain text',
    },
  ],
  input: Input,
  output: z.lazy(() =>
    z.object({
      /** Absolute. */
      path: z.string(),
      /** Of the file, in bytes. */
      size: z.number(),
      rows: z.number(),
      /** Profiles that were merged; null where data were read. */
      merged: z.number().nullable(),
      minCount: z.number().nullable(),
      /** How categories are hashed; null where they are not. */
      hash: z.enum(['sha256', 'hmac-sha256']).nullable(),
      columns: z.array(
        z.object({
          name: z.string(),
          /** null where all of it is null, or where it was skipped. */
          type: z.enum(['numeric', 'categorical', 'boolean', 'datetime', 'text']).nullable(),
          reason: z.string(),
          nulls: z.number().nullable(),
          /** How far its distribution function may be from that of the data; null where it has none. */
          error: z.number().nullable(),
        }),
      ),
      /** What was assumed about the files. */
      notes: z.array(z.string()),
    }),
  ),
  async run(input, context) {
    const path = resolve(context.cwd, input.output);
    assertNoInput([input.output], { inputs: input.data, suffix: '.profile.json' }, context);
    const { profile, notes } = input.merge
      ? await mergeFiles(input, context)
      : await readData(input, context);
    const { encodeCheckedProfile } = await import('../core/drift/profile/build.ts');
    const bytes = encodeCheckedProfile(profile);
    const files = await context.outputFiles();
    await files.write(path, Buffer.from(bytes).toString());
    for (const note of notes) context.warn(note);
    const isEmpty = profile.rows === 0;
    if (isEmpty) context.warn(`${printable(input.output)} has no rows: it is of no use but to be merged`);
    if (input.hashLevels === true && profile.labels?.scheme === 'sha256') {
      context.warn(
        'categories are hashed without a secret: whoever guesses one can tell; set MLOPS_PROFILE_KEY',
      );
    }
    const columnsOf = profile.columns.map(describeColumn);
    return {
      data: {
        path,
        size: bytes.length,
        rows: profile.rows,
        merged: input.merge ? input.data.length : null,
        minCount: profile.minCount,
        hash: profile.labels?.scheme ?? null,
        columns: columnsOf,
        notes: [...notes],
      },
      text: (view) =>
        `${columnTable(columnsOf, view)}${columnsOf.length === 0 ? '' : '\n'}Wrote ${printable(input.output)}: ${count(profile.rows, 'row')}, ${count(columnsOf.length, 'column')}, ${formatBytes(bytes.length)}\n`,
      hints: isEmpty ? [] : [`compare new data with it: mlops drift ${printable(input.output)} <data>`],
    };
  },
});

async function mergeFiles({ data }: ProfileInput, { cwd }: Context) {
  const [{ readProfile }, { mergeProfiles }] = await Promise.all([
    import('../core/drift/profile/profile-file.ts'),
    import('../core/drift/profile/merge.ts'),
  ]);
  const shards: { name: string; profile: Profile }[] = [];
  for (const name of data) shards.push({ name, profile: await readProfile(resolve(cwd, name), name) });
  return { profile: mergeProfiles(shards), notes: [] };
}

async function readData(input: ProfileInput, context: Context) {
  const [{ profileData }, { createLevelHasher, PROFILE_KEY }, { resolvePolicy }] = await Promise.all([
    import('../core/drift/profile/profile-data.ts'),
    import('../core/drift/profile/level-hash.ts'),
    import('../core/drift/policy/resolve.ts'),
  ]);
  const rules = await readDriftRules(input, context);
  const { data, minCount, hashLevels, sample, seed } = input;
  const hasher = hashLevels === true ? createLevelHasher(context.env[PROFILE_KEY]) : undefined;
  const progress = context.progress('profiling', 'items');
  try {
    const request = {
      words: data,
      cwd: context.cwd,
      policy: resolvePolicy({ ...rules, config: rules.config ?? [] }),
      nullTokens: rules.nullTokens,
      minCount,
      hasher,
      reading: {
        signal: context.signal,
        ...(sample === undefined ? {} : { sample, keepRows: sample }),
        ...(seed === undefined ? {} : { seed }),
      },
      onColumn: (done: number, total: number) => progress.update(done, total),
    };
    return await profileData(request, await context.tables());
  } finally {
    progress.stop();
  }
}

function describeColumn({ name, pin, skipped, summary }: Profile['columns'][number]) {
  const isEmpty = pin === null || summary === null;
  const distribution = summary !== null && 'distribution' in summary ? summary.distribution : undefined;
  return {
    name,
    type: pin?.type ?? null,
    reason: isEmpty ? (skipped ?? 'all of it is null') : pin.reason,
    nulls: summary?.nulls ?? null,
    error: distribution === undefined || distribution.rows === 0 ? null : distribution.error,
  };
}

function columnTable(described: readonly ReturnType<typeof describeColumn>[], view: View): string {
  return table(
    {
      columns: [
        { header: 'COLUMN' },
        { header: 'TYPE' },
        { header: 'NULLS', align: 'right' },
        { header: 'WHY' },
      ],
      rows: described.map(({ name, type: kind, nulls: missing, reason }) => [
        name,
        kind ?? '-',
        missing === null ? '-' : String(missing),
        reason,
      ]),
    },
    view,
  );
}
