import * as z from 'zod';
import { defineCommand } from './command.ts';
import { candidatesFor } from './complete.ts';
import { manifest } from './manifest.ts';
import { printable } from '../lib/terminal-text.ts';

export default defineCommand({
  arguments: [{ name: '[words...]', description: 'words after `mlops`, the last one unfinished' }],
  examples: [{ command: 'mlops __complete -- sho', explains: 'print what may follow' }],
  input: z.object({ words: z.array(z.string()).default([]) }),
  output: z.object({
    candidates: z.array(z.object({ value: z.string(), description: z.string().optional() })),
  }),
  async run({ words }, context) {
    const candidates = await candidatesFor(words, { manifest, context });
    const lines = candidates.map(({ value, description }) =>
      description === undefined ? printable(value) : `${printable(value)}\t${printable(description)}`,
    );
    return { data: { candidates }, text: () => lines.map((line) => `${line}\n`).join('') };
  },
});
