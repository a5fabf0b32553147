import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import type { Context } from '../../cli/context.ts';
import { InterruptedError, MlopsError, type ExitCode } from '../../errors.ts';
import type { HookOutcome } from '../../core/hooks/problem.ts';
import { formatBytes } from '../../ui/bytes.ts';

const HOOK_NAMES = ['pre-commit', 'pre-push', 'post-checkout', 'post-merge'] as const;

export default defineCommand({
  arguments: [
    { name: '<hook>', description: 'pre-commit, pre-push, post-checkout or post-merge' },
    { name: '[args...]', description: 'what Git gives the hook' },
  ],
  description:
    'pre-commit checks what is staged. pre-push reads the pushed refs from stdin and pushes the objects that they need. post-checkout and post-merge restore tracked data and never fail.',
  examples: [
    { command: 'mlops hooks run pre-commit', explains: 'check what is staged, without committing' },
    { command: 'mlops hooks run pre-push "$@"', explains: 'in a pre-push hook of your own' },
  ],
  insideHook: true,
  input: z.object({
    hook: z.enum(HOOK_NAMES, `a hook is one of ${HOOK_NAMES.join(', ')}`),
    args: z.array(z.string()).default([]),
  }),
  output: z.lazy(() =>
    z.object({
      hook: z.string(),
      problems: z.array(
        z.object({
          code: z.string(),
          path: z.string().nullable(),
          line: z.number().nullable(),
          message: z.string(),
          hint: z.string().nullable(),
        }),
      ),
      warnings: z.array(z.string()),
      /** What was done, in words; null when there was nothing to do. */
      done: z.string().nullable(),
    }),
  ),
  async run({ hook, args }, context) {
    const { problems, warnings, done } = await RUN[hook](args, context);
    for (const warning of warnings) context.warn(warning);
    const lines = problems.map(({ message, hint }) => ({ message, hint: hint ?? null }));
    return {
      data: {
        hook,
        problems: problems.map(({ code, path = null, line = null, message, hint = null }) => {
          return { code, path, line, message, hint };
        }),
        warnings: [...warnings],
        done: done ?? null,
      },
      text: () => '',
      conversation: { errors: lines, ...(done === undefined ? {} : { note: `mlops: ${done}` }) },
      exitCode: gravest(problems.map(({ exitCode }) => exitCode)),
    };
  },
});

const NOTHING_TO_DO: HookOutcome = { problems: [], warnings: [], done: undefined };

/** Damage before what is forbidden, before what is only unfinished. */
const GRAVITY: readonly ExitCode[] = [3, 4, 5, 2, 6, 7, 1];

function gravest(codes: readonly ExitCode[]): ExitCode {
  return GRAVITY.find((code) => codes.includes(code)) ?? 0;
}

const RUN: Readonly<
  Record<(typeof HOOK_NAMES)[number], (args: readonly string[], context: Context) => Promise<HookOutcome>>
> = {
  'pre-commit': async (_args, context) => {
    const repository = await repositoryOf(context);
    if (repository === undefined) return NOTHING_TO_DO;
    const { preCommit } = await import('../../core/hooks/pre-commit.ts');
    return preCommit(repository, { signal: context.signal });
  },
  'pre-push': pushWithObjects,
  'post-checkout': async (args, context) => {
    // pre-commit says in the environment what Git says in arguments; 0: files were checked out, not a commit.
    const flag = args[2] ?? context.env['PRE_COMMIT_CHECKOUT_TYPE'];
    return flag === '0' ? NOTHING_TO_DO : restore(context);
  },
  'post-merge': async (_args, context) => restore(context),
};

/** What is checked out may be older than the registry, or of another branch. */
async function repositoryOf(
  context: Context,
): Promise<Awaited<ReturnType<Context['repository']>> | undefined> {
  try {
    return await context.repository();
  } catch (error) {
    if (error instanceof MlopsError && error.code === 'NOT_A_REPOSITORY') return undefined;
    throw error;
  }
}

async function pushWithObjects(args: readonly string[], context: Context): Promise<HookOutcome> {
  const { env, signal } = context;
  const [{ neededByPush, parsePushedRefs, refsOfPreCommit }, { assertNothingNeeded, prePush }] =
    await Promise.all([import('../../core/hooks/pushed-refs.ts'), import('../../core/hooks/pre-push.ts')]);
  const input = (await context.io.input?.()) ?? '';
  const told = parsePushedRefs(input, args[0] ?? env['PRE_COMMIT_REMOTE_NAME']);
  const repository = await repositoryOf(context);
  const git = repository === undefined ? await context.git() : await repository.git();
  const refs = told.tips.length > 0 ? told : await refsOfPreCommit(git, env);
  if (repository === undefined) {
    assertNothingNeeded((await neededByPush(git, refs)).required);
    return NOTHING_TO_DO;
  }
  const progress = context.progress('push', 'bytes');
  try {
    const { pushed, ...outcome } = await prePush(repository, refs, {
      signal,
      confirm: (question) => context.confirm(question),
      onProgress: ({ bytes, totalBytes }) => progress.update(bytes, totalBytes),
    });
    progress.stop();
    if (pushed === undefined || pushed.objects.transferred === 0) return { ...outcome, done: undefined };
    const { objects, bytes, remote } = pushed;
    const count = objects.transferred === 1 ? '1 object' : `${objects.transferred} objects`;
    return { ...outcome, done: `pushed ${count} (${formatBytes(bytes.transferred)}) to ${remote}` };
  } finally {
    progress.stop();
  }
}

/** Git's command is done, so whatever happens here is no failure of it. */
async function restore(context: Context): Promise<HookOutcome> {
  try {
    const repository = await repositoryOf(context);
    if (repository === undefined) return NOTHING_TO_DO;
    const { restoreData } = await import('../../core/hooks/restore-data.ts');
    return await restoreData(repository, { signal: context.signal });
  } catch (error) {
    if (error instanceof InterruptedError || context.signal.aborted) throw error;
    const hint = error instanceof MlopsError && error.hint !== undefined ? `; ${error.hint}` : '';
    const message = error instanceof Error ? error.message : String(error);
    return { ...NOTHING_TO_DO, warnings: [`tracked data was not restored: ${message}${hint}`] };
  }
}
