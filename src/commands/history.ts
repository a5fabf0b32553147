import * as z from 'zod';
import { defineCommand } from '../cli/command.ts';
import type { Context } from '../cli/context.ts';
import { ExitCode } from '../errors.ts';
import { EventSummary, summariseEvent } from '../core/audit/index.ts';
import { history, parseMoment, stagesAt } from '../core/registry/history.ts';
import type { RegistryProblem } from '../core/registry/list.ts';
import { ModelName } from '../core/registry/names.ts';
import { describeEvent } from '../ui/event-line.ts';
import { table } from '../ui/table.ts';

const Output = z.lazy(() =>
  z.union([
    z.object({ events: z.array(EventSummary), total: z.number() }),
    z.object({
      /** The moment that was looked at. */
      at: z.string(),
      /** Version by stage, of the model that was named. */
      stages: z.record(z.string(), z.string()),
      /** The same for every model, when none was named. */
      models: z.record(z.string(), z.record(z.string(), z.string())),
    }),
  ]),
);

export default defineCommand({
  arguments: [{ name: '[model]', description: 'only this model' }],
  options: [
    { flags: '--stage <stage>', description: 'only moves of this stage' },
    { flags: '--at <time>', description: 'what every stage held then: a date (its end, UTC) or RFC 3339' },
    { flags: '--limit <n>', description: 'at most so many events' },
  ],
  examples: [
    { command: 'mlops history fraud_detector', explains: 'who did what, when and why' },
    {
      command: 'mlops history fraud_detector --at 2026-03-03',
      explains: 'what was in production on 3 March',
    },
  ],
  input: z.object({
    model: ModelName.optional(),
    stage: z.string().optional(),
    at: z.string().optional(),
    limit: z.coerce
      .number('expected a whole number')
      .int('expected a whole number')
      .min(1, 'must be at least 1')
      .optional(),
  }),
  output: Output,
  async run({ model, stage, at, limit }, context) {
    const repository = await context.repository();
    if (at !== undefined) {
      const moment = parseMoment(at);
      const { held, problems } = await stagesAt(repository, { model, stage, at: moment });
      report(problems, context);
      const models = Object.fromEntries(
        [...held].map(([name, stages]) => [name, Object.fromEntries(stages)]),
      );
      const rows = [...held].flatMap(([name, stages]) =>
        [...stages].map(([stageName, version]) => [name, stageName, version]),
      );
      return {
        data: { at: moment.toISOString(), stages: model === undefined ? {} : (models[model] ?? {}), models },
        text: (view) =>
          rows.length === 0
            ? `No stage held anything at ${moment.toISOString()}\n`
            : table(
                { columns: [{ header: 'MODEL' }, { header: 'STAGE' }, { header: 'VERSION' }], rows },
                view,
              ),
        exitCode: exitCodeOf(problems),
      };
    }
    const { events, problems } = await history(repository, { model, stage });
    report(problems, context);
    const shown = events.slice(0, limit).map(summariseEvent);
    return {
      data: { events: shown, total: events.length },
      text: (view) =>
        shown.length === 0 ? 'No events\n' : shown.map((event) => `${describeEvent(event, view)}\n`).join(''),
      exitCode: exitCodeOf(problems),
      hints:
        shown.length < events.length
          ? [`${shown.length} of ${events.length} events shown; raise --limit for more`]
          : [],
    };
  },
});

/** What can't be read or trusted is said on stderr; the rest of the history is still good. */
function report(problems: readonly RegistryProblem[], context: Context): void {
  for (const { error } of problems)
    context.warn(error.hint === undefined ? error.message : `${error.message}; ${error.hint}`);
}

function exitCodeOf(problems: readonly RegistryProblem[]): ExitCode {
  return problems[0]?.error.exitCode ?? ExitCode.ok;
}
