import * as z from 'zod';
import { defineCommand, type View } from '../../cli/command.ts';
import type { Context } from '../../cli/context.ts';
import { DRIFT_RULES, DriftRulesInput, readDriftRules, sideSources } from '../../cli/drift-input.ts';
import { Calibration, calibrationSettings } from '../../core/drift/calibrate-result.ts';
import type { CalibrationRequest } from '../../core/drift/calibrate-run.ts';
import { followUpInGit } from '../../core/registry/git-follow-up.ts';
import { driftCalibration } from '../../ui/drift-calibration.ts';

const Rows = (least: number) => z.coerce.number('expected a whole number').int().min(least);

/** `0.05`, or `1/20`: one of twenty. */
const Budget = z
  .string()
  .default('0.05')
  .transform((text, issues) => {
    const fraction = /^\s*(\d+(?:\.\d+)?)\s*\/\s*(\d+(?:\.\d+)?)\s*$/.exec(text);
    const value = fraction === null ? Number(text) : Number(fraction[1]) / Number(fraction[2]);
    if (text.trim() !== '' && value > 0 && value < 1) return value;
    issues.addIssue('expected a share of batches above 0 and below 1, such as 0.05 or 1/20');
    return z.NEVER;
  });

const Input = z
  .object({
    reference: z.string().min(1).max(4096),
    batches: z.array(z.string().min(1).max(4096)).max(100_000).default([]),
    ...DriftRulesInput,
    budget: Budget,
    failOn: z.string().optional(),
    split: z.enum(['time', 'random'], 'expected time or random').optional(),
    batchRows: Rows(2).optional(),
    orderBy: z.string().min(1).optional(),
    target: z.string().min(1).optional(),
    prediction: z.string().min(1).optional(),
    seed: Rows(0).optional(),
    write: z.boolean().default(false),
    local: z.boolean().default(false),
    commit: z.boolean().default(false),
  })
  .refine(({ write, local, commit }) => write || (!local && !commit), '--local and --commit need --write')
  .refine(
    ({ local, commit }) => !(local && commit),
    '--local writes what Git ignores: there is nothing to commit',
  );

export default defineCommand({
  arguments: [
    {
      name: '<reference>',
      description: 'data that new batches are compared with: a file, a quoted glob, a profile or a version',
    },
    {
      name: '[batches...]',
      description:
        'past batches that were accepted and are no part of the reference: one file each, or a quoted glob for the files of one',
    },
  ],
  options: [
    ...DRIFT_RULES,
    {
      flags: '--budget <share>',
      description: 'false alarms that are allowed, as a share of batches: 0.05 (default) or 1/30',
    },
    {
      flags: '--fail-on <severity>',
      description: 'raise the limits of this severity: medium (default), high or critical',
    },
    {
      flags: '--batch-rows <rows>',
      description: 'without batches: split the second half of the reference into blocks of so many rows',
    },
    {
      flags: '--split <how>',
      description: 'with --batch-rows: time takes rows in their order (default), random draws them',
    },
    {
      flags: '--order-by <column>',
      description: 'with --split time: the column that says which rows came first',
    },
    { flags: '--target <column>', description: 'the labels, which batches need not have' },
    { flags: '--prediction <column>', description: 'what a model predicted' },
    { flags: '--seed <number>', description: 'of --split random and of samples (default: 0)' },
    {
      flags: '--write',
      description: 'write the floors and their evidence into .mlops/config.json, in place of earlier ones',
    },
    { flags: '--local', description: 'with --write: into .mlops/local.json, for this clone only' },
    { flags: '--commit', description: 'with --write: commit the settings, and nothing else that is staged' },
  ],
  description:
    'Finds the least effects that matter, column by column: batches that people accepted pass, and of batches like them no more than --budget alert. Limits are raised where batches went beyond them, never lowered. With too few batches for the budget nothing is written, and the exit code is 2.',
  examples: [
    {
      command: 'mlops drift calibrate train.csv accepted/*.csv',
      explains: 'floors by which one of twenty batches may alert',
    },
    {
      command: 'mlops drift calibrate train.parquet accepted/*.parquet --budget 1/30 --write --commit',
      explains: 'with a batch a day, about one false alarm a month; keep the floors for everybody',
    },
    {
      command: 'mlops drift calibrate train.csv --batch-rows 1000 --order-by created_at',
      explains: 'without past batches: how different are 1,000 later rows from those before?',
    },
  ],
  input: Input,
  output: z.lazy(() =>
    Calibration.extend({
      /** The file that was written with --write. */
      written: z.string().nullable(),
      commit: z.string().nullable(),
    }),
  ),
  async run(input, context) {
    // Nobody should wait for floors that can't be kept.
    if (input.write) await context.repository();
    const rules = await readDriftRules(input, context);
    const { reference, batches, budget, failOn, split, batchRows, orderBy, target, prediction, seed } = input;
    const calibration = await calibrated(
      {
        ...rules,
        options: { ...rules.options, failOn },
        reference,
        batches,
        budget,
        split,
        batchRows,
        orderBy,
        target,
        prediction,
        seed,
      },
      context,
    );
    const kept = input.write ? await keep(calibration, input, context) : { written: null, commit: null };
    return {
      data: { ...calibration, ...kept },
      text: (view: View) => driftCalibration({ ...calibration, ...kept }, view),
      hints:
        input.write || calibration.floors.length === 0
          ? []
          : ['keep these floors: run it again with --write'],
    };
  },
});

async function calibrated(request: CalibrationRequest, context: Context): Promise<Calibration> {
  const { runCalibration } = await import('../../core/drift/calibrate-run.ts');
  const progress = context.progress('comparing', 'items');
  try {
    return await runCalibration(request, sideSources(context), {
      signal: context.signal,
      progress: (done, total) => progress.update(done, total),
    });
  } finally {
    progress.stop();
  }
}

async function keep(
  calibration: Calibration,
  { local, commit }: z.output<typeof Input>,
  context: Context,
): Promise<{ written: string; commit: string | null }> {
  const [repository, { changeConfig }] = await Promise.all([
    context.repository(),
    import('../../core/repository/change-config.ts'),
  ]);
  const settings = calibrationSettings(calibration, context.now());
  const written = await changeConfig(repository, {
    local,
    purpose: 'drift calibrate',
    change: (file) => ({
      schema: 'mlops.config/1',
      ...file,
      drift: { ...file.drift, calibration: settings },
    }),
  });
  const git = await followUpInGit(repository, { written, commit, message: 'Calibrate the drift check' });
  if (git.problem !== undefined) context.warn(`written, but not added to Git: ${git.problem}`);
  return { written: local ? '.mlops/local.json' : '.mlops/config.json', commit: git.commit ?? null };
}
