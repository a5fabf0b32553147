import { resolve } from 'node:path';
import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import { dataHistory } from '../../core/data/history.ts';
import { pathInRepository } from '../../core/data/place.ts';
import { ExitCode } from '../../errors.ts';
import { table } from '../../ui/table.ts';
import { formatTime } from '../../ui/time.ts';

const SHOWN_DIGITS = 12;
const COLUMNS = ['PATH', 'TIME', 'EVENT', 'DIGEST', 'ACTOR', 'REASON'].map((header) => ({ header }));

export default defineCommand({
  arguments: [{ name: '[path]', description: 'only this path, and what lies below it' }],
  options: [{ flags: '--limit <n>', description: 'at most so many events' }],
  examples: [
    { command: 'mlops data history data/train.csv', explains: 'who changed the training data, and when' },
  ],
  input: z.object({
    path: z.string().min(1).max(4096).optional(),
    limit: z.coerce
      .number('expected a whole number')
      .int('expected a whole number')
      .min(1, 'must be at least 1')
      .optional(),
  }),
  output: z.lazy(() =>
    z.object({
      events: z.array(
        z.object({
          id: z.string(),
          type: z.string(),
          /** Relative to the Git root. */
          path: z.string(),
          /** Digests of what it held before and from then on. */
          from: z.string().nullable(),
          to: z.string().nullable(),
          actor: z.string(),
          time: z.string(),
          reason: z.string().nullable(),
        }),
      ),
      total: z.number(),
    }),
  ),
  async run({ path, limit }, context) {
    const repository = await context.repository();
    const place = path === undefined ? '' : pathInRepository(repository.root, resolve(context.cwd, path));
    const { events, problems } = await dataHistory(repository, place);
    for (const { error } of problems) context.warn(error.message);
    const shown = events.slice(0, limit).map(({ id, type, subject, from, to, actor, time, reason }) => ({
      id,
      type,
      path: subject.path ?? '',
      from: from ?? null,
      to: to ?? null,
      actor,
      time,
      reason: reason ?? null,
    }));
    return {
      data: { events: shown, total: events.length },
      text: (view) => {
        if (shown.length === 0) return 'No events\n';
        const rows = shown.map((event) => [
          event.path,
          formatTime(event.time, view),
          event.type,
          (event.to ?? event.from ?? '').slice(0, 'sha256:'.length + SHOWN_DIGITS),
          event.actor.replace(/ <.*>$/, ''),
          event.reason ?? '',
        ]);
        return table({ columns: COLUMNS, rows }, view);
      },
      exitCode: problems[0]?.error.exitCode ?? ExitCode.ok,
      hints:
        shown.length < events.length
          ? [`${shown.length} of ${events.length} events shown; raise --limit for more`]
          : [],
    };
  },
});
