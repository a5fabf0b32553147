import * as z from 'zod';
import { defineCommand } from '../cli/command.ts';
import { completionScript } from '../ui/completion-scripts.ts';

const Shell = z.enum(['bash', 'zsh', 'fish'], 'expected bash, zsh or fish');

export default defineCommand({
  arguments: [{ name: '<shell>', description: 'bash, zsh or fish' }],
  description:
    'The script completes commands, options and the names of models, versions and stages. Source it from the start-up file of your shell.',
  examples: [
    { command: 'mlops completion bash >> ~/.bashrc', explains: 'complete in every new bash' },
    { command: 'mlops completion zsh > "${fpath[1]}/_mlops"', explains: 'complete in every new zsh' },
    {
      command: 'mlops completion fish > ~/.config/fish/completions/mlops.fish',
      explains: 'complete in every new fish',
    },
  ],
  input: z.object({ shell: Shell }),
  output: z.lazy(() => z.object({ shell: Shell, script: z.string() })),
  async run({ shell }) {
    const script = completionScript(shell);
    return { data: { shell, script }, text: () => script };
  },
});
