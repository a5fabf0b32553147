import * as z from 'zod';

export const StageName = z
  .string()
  .regex(/^[a-z]([a-z0-9-]{0,62}[a-z0-9])?$/, 'a stage is 1 to 64 lower-case letters, digits and "-"')
  .refine((name) => name !== 'latest', '"latest" is not a stage');

/** `.mlops/config.json` and `.mlops/local.json`. Strict: a key that is not listed here is a typing error. */
export const ConfigFile = z.strictObject({
  schema: z.literal('mlops.config/1').optional(),
  stages: z.array(StageName).min(1).max(100).optional(),
  git: z.strictObject({ stage: z.boolean().optional() }).optional(),
  lock: z.strictObject({ timeoutSeconds: z.number().min(0).max(3600).optional() }).optional(),
});
export type ConfigFile = z.output<typeof ConfigFile>;

/** Settings after defaults < config.json < local.json < environment. */
export interface Config {
  stages: readonly string[];
  git: {
    /** `git add` what a command wrote, when it does not commit. */
    stage: boolean;
  };
  lock: { timeoutSeconds: number };
}

export const DEFAULT_CONFIG: Config = {
  stages: ['staging', 'production'],
  git: { stage: true },
  lock: { timeoutSeconds: 10 },
};
