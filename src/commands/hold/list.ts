import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import { listHolds } from '../../core/maintenance/holds.ts';
import { table } from '../../ui/table.ts';
import { formatTime } from '../../ui/time.ts';

const COLUMNS = [{ header: 'DIGEST' }, { header: 'SINCE' }, { header: 'BY' }, { header: 'REASON' }];

export default defineCommand({
  examples: [{ command: 'mlops hold list', explains: 'what this clone keeps, and why' }],
  input: z.object({}),
  output: z.lazy(() =>
    z.object({
      holds: z.array(
        z.object({
          digest: z.string(),
          reason: z.string(),
          createdAt: z.string(),
          createdBy: z.string(),
        }),
      ),
    }),
  ),
  async run(_input, context) {
    const { documents } = await context.repository();
    const holds = await listHolds(documents);
    return {
      data: { holds: holds.map((hold) => ({ ...hold })) },
      text: (view) => {
        const rows = holds.map(({ digest, createdAt, createdBy, reason }) => {
          return [digest, formatTime(createdAt, view), createdBy, reason];
        });
        return rows.length === 0 ? 'There are no holds\n' : table({ columns: COLUMNS, rows }, view);
      },
    };
  },
});
