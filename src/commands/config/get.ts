import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import { settingInForce, settingText } from '../../core/repository/settings.ts';

export default defineCommand({
  arguments: [{ name: '<key>', description: 'such as git.stage; see `mlops config list`' }],
  examples: [{ command: 'mlops config get stages', explains: 'the names of the stages' }],
  input: z.object({ key: z.string() }),
  output: z.lazy(() => z.object({ key: z.string(), value: z.unknown(), origin: z.string() })),
  async run({ key }, context) {
    const setting = await settingInForce(await context.repository(), context.env, key);
    const { value, origin } = setting;
    return {
      data: { key, value, origin },
      text: () => `${settingText(value)}\n`,
    };
  },
});
