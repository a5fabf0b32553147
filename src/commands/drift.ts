import * as z from 'zod';
import { defineCommand, type View } from '../cli/command.ts';
import type { Context } from '../cli/context.ts';
import {
  assertNoInput,
  DRIFT_RULES,
  DriftRulesInput,
  readDriftRules,
  sideSources,
  type DriftRulesRequest,
} from '../cli/drift-input.ts';
import {
  nextSteps,
  planReport,
  REPORT_FILES,
  REPORT_FORMAT,
  ReportOutputInput,
  summariseStep,
  writeReport,
} from '../cli/report-output.ts';
import { ExitCode } from '../errors.ts';
import { followUpInGit } from '../core/registry/git-follow-up.ts';
import { DriftExplanation } from '../core/drift/policy/explain.ts';
import { DriftReport } from '../core/drift/report.ts';
import type { DriftRequest, DriftRun } from '../core/drift/run-drift.ts';
import { driftExplanation } from '../ui/drift-explanation.ts';

const Rows = (least: number) => z.coerce.number('expected a whole number').int().min(least);

const Input = z
  .object({
    reference: z.string().min(1).max(4096),
    current: z.array(z.string().min(1).max(4096)).min(1).max(10_000),
    ...DriftRulesInput,
    ...ReportOutputInput,
    failOn: z.string().optional(),
    failOnInconclusive: z.boolean().optional(),
    target: z.string().min(1).optional(),
    prediction: z.string().min(1).optional(),
    proba: z.string().min(1).optional(),
    positive: z.string().optional(),
    multivariate: z.boolean().default(false),
    sample: Rows(1).optional(),
    seed: Rows(0).optional(),
    explain: z.boolean().default(false),
    save: z.boolean().default(false),
    commit: z.boolean().default(false),
    reason: z.string().max(10_000).optional(),
  })
  .refine(
    ({ save, commit, reason }) => save || (!commit && reason === undefined),
    '--commit and --reason need --save',
  )
  .refine(({ explain, save }) => !(explain && save), '--explain compares nothing that --save could keep');

export default defineCommand({
  arguments: [
    {
      name: '<reference>',
      description:
        'data that are known to be good: a file, a quoted glob, a profile, or <model>@<version or stage>',
    },
    { name: '<current...>', description: 'data to judge: files, globs, or a profile' },
  ],
  options: [
    ...DRIFT_RULES,
    {
      flags: '--fail-on <severity>',
      description: 'exit with 1 from this severity on: low, medium (default), high or critical',
    },
    { flags: '--fail-on-inconclusive', description: 'exit with 1 where there are too few rows to tell' },
    {
      flags: '--target <column>',
      description: 'the labels; with them on both sides performance is compared',
    },
    { flags: '--prediction <column>', description: 'what a model predicted' },
    {
      flags: '--proba <column>',
      description:
        'predicted probability of the positive class; estimates performance where labels are missing',
    },
    { flags: '--positive <label>', description: 'the label that counts as positive' },
    { flags: '--multivariate', description: 'also look at all columns of a row together' },
    { flags: '--sample <rows>', description: 'compare this many rows of a side that has more' },
    { flags: '--seed <number>', description: 'of samples (default: 0); the same seed takes the same rows' },
    {
      flags: '--explain',
      description: 'print the rules of each column and where they come from; compare nothing',
    },
    REPORT_FORMAT,
    REPORT_FILES,
    { flags: '--save', description: 'keep the report below .mlops/reports/drift, with an event' },
    { flags: '--reason <text>', description: 'with --save: why the check was made' },
    { flags: '--commit', description: 'with --save: commit the report, and nothing else that is staged' },
  ],
  description:
    'Reads CSV, TSV, JSON lines and Parquet, also compressed. Exit 0: nothing at or above --fail-on; 1: drift; 2: unreadable or malformed input, or a mistake in the options. A finding needs both significance (all p values are corrected together) and an effect that matters; too few rows to tell are called inconclusive. Nothing leaves this machine.',
  examples: [
    { command: 'mlops drift train.csv today.csv', explains: 'is the new batch like the training data?' },
    {
      command: 'mlops drift fraud_detector@production today.parquet --fail-on high -o drift.html',
      explains: 'against the profile of the version in production, with a report to look at',
    },
    {
      command: 'mlops drift train.csv new.csv --target label --prediction predicted --format md',
      explains: 'with performance, as a comment for a pull request',
    },
    {
      command: 'mlops drift train.csv new.csv --explain',
      explains: 'which rules hold for which column, and why',
    },
  ],
  input: Input,
  output: z.lazy(() =>
    z.union([
      DriftReport.extend({
        /** Where the report was kept with --save. */
        kept: z
          .object({ id: z.string(), path: z.string(), digest: z.string(), event: z.string() })
          .nullable(),
        /** What was written with --output. */
        files: z.array(z.object({ path: z.string(), format: z.string() })),
      }),
      /** With --explain. */
      DriftExplanation,
    ]),
  ),
  async run(input, context) {
    const plan = planReport(input, context);
    const inputs = [input.reference, ...input.current];
    assertNoInput(input.output, { inputs, suffix: '.html' }, context);
    const rules = await readDriftRules(input, context);
    const request = requestOf(input, rules);
    if (input.explain) return explained(request, context);
    const started = performance.now();
    const { report, model } = await compared(request, context);
    const duration = (performance.now() - started) / 1000;
    const kept = input.save ? await keep(report, input, context) : null;
    const written = await writeReport(report, plan, {
      context,
      facts: { time: context.now(), model, duration },
    });
    await summariseStep(report, context);
    return {
      data: { ...report, kept, files: [...written.files] },
      text: (view) => written.text(view),
      exitCode: report.failed ? ExitCode.no : ExitCode.ok,
      hints: [
        ...nextSteps(report, plan),
        ...(kept === null ? [] : [`see it again: mlops reports show ${kept.id}`]),
      ],
    };
  },
});

type DriftInput = z.output<typeof Input>;

function requestOf(input: DriftInput, rules: DriftRulesRequest): DriftRequest {
  const { reference, current, target, prediction, proba, positive, sample, seed, multivariate } = input;
  const { failOn, failOnInconclusive } = input;
  return {
    ...rules,
    options: { ...rules.options, failOn, failOnInconclusive },
    reference,
    current,
    target,
    prediction,
    probability: proba,
    positive,
    sample,
    seed,
    multivariate,
  };
}

async function compared(request: DriftRequest, context: Context): Promise<DriftRun> {
  const { runDrift } = await import('../core/drift/run-drift.ts');
  const progress = context.progress('comparing', 'items');
  try {
    return await runDrift(request, sideSources(context), {
      signal: context.signal,
      onColumns: (done, total) => progress.update(done, total),
    });
  } finally {
    progress.stop();
  }
}

async function explained(request: DriftRequest, context: Context) {
  const { explainRun } = await import('../core/drift/run-drift.ts');
  const explanation = await explainRun(request, sideSources(context));
  return { data: explanation, text: (view: View) => driftExplanation(explanation, view) };
}

async function keep(report: DriftReport, { commit, reason }: DriftInput, context: Context) {
  const [repository, { keepReport }] = await Promise.all([
    context.repository(),
    import('../core/drift/reports/keep.ts'),
  ]);
  const { id, path, digest, event, simplified, written } = await keepReport(repository, report, { reason });
  if (simplified > 0) {
    context.warn(`${simplified} columns were kept without their charts: a document may have 10 MiB at most`);
  }
  const message = `Keep the drift report ${id}`;
  const git = await followUpInGit(repository, { written, commit, message });
  if (git.problem !== undefined) context.warn(`kept, but not added to Git: ${git.problem}`);
  return { id, path, digest, event };
}
