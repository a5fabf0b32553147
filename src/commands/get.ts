import { relative, resolve } from 'node:path';
import * as z from 'zod';
import { MlopsError } from '../errors.ts';
import { defineCommand } from '../cli/command.ts';
import { RefWords } from '../cli/ref-words.ts';
import { deprecationNotice } from '../core/registry/deprecation.ts';
import { load } from '../core/registry/load.ts';
import { assertMayFetchFrom } from '../core/transfer/trust.ts';
import { isLocalRemote, redactUrl } from '../lib/redact-url.ts';
import { printable } from '../lib/terminal-text.ts';
import { formatBytes } from '../ui/bytes.ts';
import { count } from '../ui/numbers.ts';

export default defineCommand({
  arguments: [
    { name: '<git-url>', description: 'address of a Git repository, or the path of one' },
    {
      name: '<ref...>',
      description: '<model>, <model>@<version>, <model>@<stage> or sha256:<digest>, there',
    },
  ],
  options: [
    {
      flags: '-o, --output <path>',
      description: 'where to write (default: the name it was saved under, here)',
    },
    { flags: '--rev <rev>', description: 'branch, tag or commit of that repository (default: its HEAD)' },
    {
      flags: '--remote <name>',
      description: 'which of the remotes that it configures (default: its default one)',
    },
    { flags: '--file <glob...>', description: 'only these files of a directory; repeatable' },
    { flags: '--expect <digest>', description: 'refuse unless the version has this digest' },
    { flags: '--force', description: 'replace what is there' },
    {
      flags: '--yes',
      description:
        'read from the endpoint or directory, or with the profile, that it names, without being asked',
    },
  ],
  description:
    'Needs no clone: only the registry documents of the model come from Git, and the bytes from the remote that the repository names, with your own credentials for it. Every byte is hashed on the way.',
  examples: [
    {
      command: 'mlops get https://github.com/acme/models.git fraud_detector@production -o model',
      explains: 'what another repository has in production',
    },
    {
      command:
        'mlops get git@github.com:acme/models.git fraud_detector v1.0.1 --rev release --expect sha256:1f2e3d4c',
      explains: 'one version of a branch, pinned to its digest',
    },
  ],
  input: z.object({
    gitUrl: z.string().min(1).max(4096),
    ref: RefWords,
    output: z.string().min(1).optional(),
    rev: z.string().min(1).max(250).optional(),
    remote: z.string().optional(),
    file: z.array(z.string().min(1).max(4096)).max(1000).default([]),
    expect: z.string().optional(),
    force: z.boolean().default(false),
    yes: z.boolean().default(false),
  }),
  output: z.lazy(() =>
    z.object({
      model: z.string(),
      version: z.string(),
      digest: z.string(),
      /** Commit of the other repository that was read. */
      commit: z.string(),
      /** Absolute path. */
      path: z.string(),
      outcome: z.enum(['restored', 'unchanged']),
      files: z.number(),
      size: z.number(),
    }),
  ),
  async run({ gitUrl, ref, output, rev, remote, file, expect, force, yes }, context) {
    // What looks like an option stays what it is, and is refused.
    const isPath = isLocalRemote(gitUrl) && !gitUrl.includes('://') && !gitUrl.startsWith('-');
    const url = isPath ? resolve(context.cwd, gitUrl) : gitUrl;
    const own = await (await context.git()).findRoot(context.cwd);
    const foreign = await context.foreign({ url, revision: rev, reference: ref });
    const fetching = context.progress('fetching', 'bytes');
    const restoring = context.progress('restoring', 'bytes');
    try {
      const { repository, commit } = foreign;
      const target = output === undefined ? undefined : resolve(context.cwd, output);
      const loaded = await load(repository, {
        reference: ref,
        target,
        cwd: context.cwd,
        files: file,
        expect,
        force,
        remote,
        signal: context.signal,
        workTree: own,
        beforeFetch: () => assertMayFetchFrom(repository, remote, { yes, confirm: context.confirm }),
        onFetch: ({ bytes, totalBytes }) => fetching.update(bytes, totalBytes),
        onProgress: ({ bytes, totalBytes }) => {
          fetching.stop();
          restoring.update(bytes, totalBytes);
        },
      });
      const { version, outcome, files, size } = loaded;
      const { model, version: label, digest } = version.record;
      const deprecated = deprecationNotice(version);
      const shown = printable(relative(context.cwd, loaded.target) || '.');
      return {
        data: { model, version: label, digest, commit, path: loaded.target, outcome, files, size },
        text: () =>
          outcome === 'restored'
            ? `Got ${model}@${label} of ${commit.slice(0, 12)} as ${shown}: ${count(files, 'file')}, ${formatBytes(size)}\n`
            : `${shown} holds ${model}@${label} already\n`,
        hints: deprecated === undefined ? [] : [deprecated],
      };
    } catch (error) {
      throw adviseThere(error, { url, commit: foreign.commit });
    } finally {
      fetching.stop();
      restoring.stop();
      await foreign.close();
    }
  },
});

/** What is wrong with the reference, or with what it names there. */
const ABOUT_REFERENCE: ReadonlySet<string> = new Set([
  'MODEL_NOT_FOUND',
  'VERSION_NOT_FOUND',
  'STAGE_EMPTY',
  'STAGE_CONFLICT',
  'STAGE_BEHIND',
  'STAGE_DAMAGED',
]);

/** No command that is typed here changes the other repository. */
function adviseThere(error: unknown, { url, commit }: { url: string; commit: string }): unknown {
  if (!(error instanceof MlopsError) || !ABOUT_REFERENCE.has(error.code)) return error;
  if (error.hint !== undefined && !/\bmlops [a-z]/.test(error.hint)) return error;
  const { code, exitCode, message, retryable } = error;
  const shown = printable(redactUrl(url));
  return new MlopsError(code, exitCode, message, {
    hint: `${shown} was read at ${commit.slice(0, 12)}; name another version, or another branch or commit with --rev`,
    cause: error,
    retryable,
  });
}
