import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import * as z from 'zod';
import type { SideSources } from '../core/drift/open-side.ts';
import { PROFILE_KEY } from '../core/drift/profile/level-hash.ts';
import type { DriftRequest } from '../core/drift/run-drift.ts';
import type { PolicyOptions } from '../core/drift/policy/options.ts';
import type { Repository } from '../core/repository/repository.ts';
import { errnoOf, MlopsError, UsageError } from '../errors.ts';
import { printable } from '../lib/terminal-text.ts';
import type { OptionDefinition } from './command.ts';
import type { Context } from './context.ts';

/** Options of the commands that compare data or look at the rules of a comparison. */
export const DRIFT_RULES: readonly OptionDefinition[] = [
  { flags: '--policy <name>', description: 'the rules: default, pvalue or psi (see docs/drift.md)' },
  { flags: '--alpha <level>', description: 'significance level, above 0 and below 1' },
  {
    flags: '--columns <names...>',
    description: 'only these columns: names or globs, separated by commas; repeatable',
  },
  { flags: '--exclude <names...>', description: 'leave these columns out; repeatable' },
  {
    flags: '--type <column=kind...>',
    description: 'how to read a column: numeric, categorical, boolean, datetime or text; repeatable',
  },
  { flags: '--weights <file>', description: 'importances of columns, as JSON or CSV (column,weight)' },
  { flags: '--config <file>', description: 'settings as the section drift of .mlops/config.json has them' },
  {
    flags: '--null <text...>',
    description: 'a cell that means missing, instead of the usual ones (NA, null, nan ...); repeatable',
  },
];

const Words = z.array(z.string().max(100_000)).max(10_000);

/** Members of the input of a command with those options. */
export const DriftRulesInput = {
  policy: z.string().optional(),
  alpha: z.coerce.number('expected a number').optional(),
  columns: Words.optional(),
  exclude: Words.optional(),
  type: Words.optional(),
  weights: z.string().min(1).optional(),
  config: z.string().min(1).optional(),
  null: Words.optional(),
};

const Rules = z.object(DriftRulesInput);

export interface DriftRulesRequest extends Pick<DriftRequest, 'configFile' | 'config' | 'nullTokens'> {
  options: PolicyOptions;
}

/**
 * Reads the files that the options name, and the settings of the repository around, if there is one.
 * @throws UsageError for files that are missing or malformed
 */
export async function readDriftRules(
  input: z.output<typeof Rules>,
  context: Context,
): Promise<DriftRulesRequest> {
  const { policy, alpha, columns, exclude, type, weights, config } = input;
  const repository = await repositoryAround(context);
  return {
    options: {
      policy,
      alpha,
      columns,
      exclude,
      types: type,
      weights: weights === undefined ? undefined : await readWeights(weights, context),
    },
    config: repository?.config.drift ?? [],
    configFile: config === undefined ? undefined : await readSettings(config, context),
    nullTokens: input.null,
  };
}

async function readWeights(source: string, { cwd }: Context) {
  const { parseWeights } = await import('../core/drift/policy/weights-file.ts');
  return { source, weights: parseWeights(await readNamed('--weights', source, cwd), source) };
}

async function readSettings(source: string, { cwd }: Context) {
  const { parseDriftFile } = await import('../config/load.ts');
  return { source, settings: parseDriftFile(await readNamed('--config', source, cwd), source) };
}

async function readNamed(option: string, source: string, cwd: string): Promise<Uint8Array> {
  try {
    return await readFile(resolve(cwd, source));
  } catch (error) {
    const why = errnoOf(error) === 'ENOENT' ? 'there is no such file' : (errnoOf(error) ?? String(error));
    throw new UsageError('FILE_UNREADABLE', `${option} ${printable(source)}: ${why}`, {
      hint: `looked in ${cwd}`,
      cause: error,
    });
  }
}

/** undefined outside of a repository, where files can be compared all the same. */
export async function repositoryAround(context: Context): Promise<Repository | undefined> {
  try {
    return await context.repository();
  } catch (error) {
    if (error instanceof MlopsError && error.code === 'NOT_A_REPOSITORY') return undefined;
    throw error;
  }
}

/** Where the commands of drift find what they are told to compare. */
export function sideSources(context: Context): SideSources {
  return {
    cwd: context.cwd,
    tables: () => context.tables(),
    repository: () => repositoryAround(context),
    profileSecret: context.env[PROFILE_KEY],
    versionProfile: async (repository, reference) => {
      const { versionProfile } = await import('../core/drift/profile/version-profile.ts');
      return versionProfile(repository, reference, {
        secret: context.env[PROFILE_KEY],
        signal: context.signal,
      });
    },
  };
}

/**
 * That no output takes the place of what it is made of.
 *
 * @param outputs as the person named them
 * @param suffix that makes another name of one
 * @throws UsageError `OUTPUT_IS_INPUT`
 */
export function assertNoInput(
  outputs: readonly string[],
  { inputs, suffix }: { inputs: readonly string[]; suffix: string },
  { cwd }: Pick<Context, 'cwd'>,
): void {
  const read = new Set(inputs.map((word) => resolve(cwd, word)));
  const output = outputs.find((each) => read.has(resolve(cwd, each)));
  if (output === undefined) return;
  throw new UsageError('OUTPUT_IS_INPUT', `${printable(output)} would be read and overwritten`, {
    hint: `name another file, for example -o ${printable(output)}${suffix}`,
  });
}
