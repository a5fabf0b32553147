import { ExitCode, IntegrityError, MlopsError, UsageError } from '../../errors.ts';
import type { Transferred, TransferProgress } from '../../storage/artifact-transfer.ts';
import { FORMAT_PATH, gitPath, MLOPS_DIRECTORY } from '../repository/layout.ts';
import type { NeededArtifact } from '../repository/needed-artifacts.ts';
import type { OpenRemote, Repository } from '../repository/repository.ts';
import { inspectRemote } from '../transfer/inspect.ts';
import { pushArtifacts } from '../transfer/push.ts';
import { assertMayPush, type TrustOptions } from '../transfer/trust.ts';
import type { HookProblem } from './problem.ts';
import { neededByPush, tipsWithoutFormat, type PushedRefs } from './pushed-refs.ts';

export interface PrePushRequest extends TransferProgress, Pick<TrustOptions, 'confirm'> {
  signal: AbortSignal;
}

export interface PrePushOutcome {
  problems: readonly HookProblem[];
  warnings: readonly string[];
  /** Undefined when nothing was needed, and nobody was asked. */
  pushed: (Transferred & { remote: string }) | undefined;
}

const PASS: PrePushOutcome = { problems: [], warnings: [], pushed: undefined };
const WAYS_OUT = 'git push --no-verify pushes without them';

/**
 * Brings the objects that the pushed commits need to the remote before Git sends the commits. Where the commits need nothing new,
 * nothing but the local Git is asked.
 *
 * @throws UsageError `NO_REMOTE`; RefusedError `REMOTE_NOT_TRUSTED`; IntegrityError `OBJECT_MISSING`; RemoteError: then nothing may be
 * pushed
 */
export async function prePush(
  repository: Repository,
  refs: PushedRefs,
  request: PrePushRequest,
): Promise<PrePushOutcome> {
  const { prePush: mode } = repository.config.hooks;
  if (mode === 'off') return PASS;
  const git = await repository.git();
  const bare = await tipsWithoutFormat(git, refs);
  if (bare.length > 0) return { ...PASS, problems: bare.map(formatProblem) };
  const { required, optional, warning } = await neededByPush(git, refs);
  const warnings = warning === undefined ? [] : [`a commit that is pushed can't be read: ${warning}`];
  const artifacts = await repository.artifacts();
  const here: string[] = [];
  for (const { digest } of optional) if (await artifacts.present(digest)) here.push(digest);
  if (required.length === 0 && (mode === 'check' || here.length === 0)) return { ...PASS, warnings };
  const remote = await openRemote(repository, required);
  // Only commits in between need something: a pity, and no reason to stop anybody.
  if (remote === undefined || (required.length === 0 && !remote.trusted)) return { ...PASS, warnings };
  if (mode === 'check') {
    return { ...PASS, problems: await incompleteOn(repository, remote, required), warnings };
  }
  const elsewhere: NeededArtifact[] = [];
  for (const need of required) {
    if (await artifacts.present(need.digest)) here.push(need.digest);
    else elsewhere.push(need);
  }
  await assertMayPush(repository, remote, { yes: false, confirm: request.confirm });
  await assertThere(repository, remote, elsewhere);
  const { signal, onProgress } = request;
  const moved = await pushArtifacts(repository, here, {
    remote: remote.name,
    // Asked above, before anything was looked up there.
    trust: { yes: true, confirm: request.confirm },
    signal,
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  return { problems: [], warnings, pushed: { ...moved, remote: remote.description } };
}

function formatProblem(tip: string): HookProblem {
  const format = gitPath(FORMAT_PATH);
  return {
    code: 'FORMAT_NOT_COMMITTED',
    path: format,
    line: undefined,
    message: `the pushed commit ${tip.slice(0, 12)} has documents in ${MLOPS_DIRECTORY} but not ${format}, so its clones would have no registry`,
    hint: `commit what \`mlops init\` wrote, and push again: git add :/${MLOPS_DIRECTORY} && git commit -m "Add the registry" -- :/${MLOPS_DIRECTORY}; git push --no-verify pushes all the same`,
    exitCode: ExitCode.no,
  };
}

/** Someone pushes commits from a branch that has no registry, so the configuration is not there to be read. */
export function assertNothingNeeded(required: readonly NeededArtifact[]): void {
  if (required.length === 0) return;
  throw new UsageError(
    'NOT_A_REPOSITORY',
    `the pushed commits need ${describe(required)}, and what is checked out has no .mlops to say where they belong`,
    { hint: `check out what you push and push again; ${WAYS_OUT}` },
  );
}

async function openRemote(
  repository: Repository,
  required: readonly NeededArtifact[],
): Promise<OpenRemote | undefined> {
  try {
    return await repository.remote();
  } catch (error) {
    if (!(error instanceof MlopsError) || error.code !== 'NO_REMOTE') throw error;
    if (required.length === 0) return undefined;
    throw new UsageError('NO_REMOTE', `the pushed commits need ${describe(required)}, and ${error.message}`, {
      hint: `${error.hint ?? 'see `mlops remote add`'}; ${WAYS_OUT}, mlops config set hooks.prePush off does so always`,
      cause: error,
    });
  }
}

/** What is not in this clone may be on the remote, where another clone brought it. */
async function assertThere(
  repository: Repository,
  remote: OpenRemote,
  needs: readonly NeededArtifact[],
): Promise<void> {
  const lost = await incomplete(repository, remote, needs);
  if (lost.length === 0) return;
  throw new IntegrityError(
    'OBJECT_MISSING',
    `the pushed commits need ${describe(lost)}, neither complete in this clone nor on ${remote.description}; nothing was pushed`,
    { hint: `push from the clone that has the bytes, or save them again; ${WAYS_OUT}` },
  );
}

async function incompleteOn(
  repository: Repository,
  remote: OpenRemote,
  required: readonly NeededArtifact[],
): Promise<HookProblem[]> {
  const lacking = await incomplete(repository, remote, required);
  if (lacking.length === 0) return [];
  return [
    {
      code: 'NOT_PUSHED',
      path: undefined,
      line: undefined,
      message: `the pushed commits need ${describe(lacking)}, not complete on ${remote.description}`,
      hint: `mlops push --all; ${WAYS_OUT}`,
      exitCode: ExitCode.no,
    },
  ];
}

async function incomplete(
  repository: Repository,
  remote: OpenRemote,
  needs: readonly NeededArtifact[],
): Promise<NeededArtifact[]> {
  if (needs.length === 0) return [];
  const digests = needs.map(({ digest }) => digest);
  const states = await inspectRemote(repository, digests, { remote: remote.name });
  const complete = new Set(states.filter(({ state }) => state === 'complete').map(({ digest }) => digest));
  return needs.filter(({ digest }) => !complete.has(digest));
}

function describe(needs: readonly NeededArtifact[]): string {
  const names = needs.slice(0, 5).map(({ name }) => name);
  const rest = needs.length > names.length ? ` and ${needs.length - names.length} more` : '';
  return `the bytes of ${names.join(', ')}${rest}`;
}
