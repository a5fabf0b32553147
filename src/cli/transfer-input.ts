import * as z from 'zod';
import type { ArgumentDefinition, OptionDefinition } from './command.ts';

/** What `fetch` and `pull` bring. */
export const FETCHED_REFERENCES: ArgumentDefinition = {
  name: '[ref...]',
  description:
    '<model>@<version>, <model>@<stage> ..., or tracked paths (default: what stages hold, the latest of each model, tracked data)',
};

export const ALL_VERSIONS: OptionDefinition = {
  flags: '--all',
  description: 'every version, not only the latest and those that stages hold',
};

export const JOBS: OptionDefinition = {
  flags: '--jobs <number>',
  description: 'requests at once, at most (default: 16)',
};

/** Input of the commands that move objects. */
export const TransferInput = z.object({
  ref: z.array(z.string().min(1).max(4096)).default([]),
  all: z.boolean().default(false),
  remote: z.string().optional(),
  dryRun: z.boolean().default(false),
  jobs: z.coerce.number().int().min(1).max(256).optional(),
});
