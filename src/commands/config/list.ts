import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import { settingsInForce, settingText } from '../../core/repository/settings.ts';
import { table } from '../../ui/table.ts';

export default defineCommand({
  examples: [{ command: 'mlops config list', explains: 'every setting, its value and where it comes from' }],
  input: z.object({}),
  output: z.lazy(() =>
    z.object({
      settings: z.array(z.object({ key: z.string(), value: z.unknown(), origin: z.string() })),
    }),
  ),
  async run(_input, context) {
    const settings = await settingsInForce(await context.repository(), context.env);
    return {
      data: { settings },
      text: (view) =>
        table(
          {
            columns: [{ header: 'SETTING' }, { header: 'VALUE' }, { header: 'FROM' }],
            rows: settings.map(({ key, value, origin }) => [key, settingText(value), origin]),
          },
          view,
        ),
    };
  },
});
