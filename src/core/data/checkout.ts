import { IntegrityError, InterruptedError, MlopsError } from '../../errors.ts';
import type { StoreProgress } from '../../storage/artifact-store.ts';
import { fetchArtifacts } from '../transfer/fetch.ts';
import type { Repository } from '../repository/repository.ts';
import { selectPointers } from './place.ts';
import type { DataPointer } from './pointer.ts';
import { loadPointers } from './pointers.ts';

export interface CheckoutRequest extends StoreProgress {
  /** Tracked paths, or directories that hold some, relative to the Git root with `/`; default all. */
  paths?: readonly string[];
  /** Overwrite and remove local changes that are saved nowhere. */
  force?: boolean;
  /** Never ask a remote for what is missing here. */
  cachedOnly?: boolean;
  /** Name of the remote to fetch from; default the default one. */
  remote?: string | undefined;
  signal?: AbortSignal;
}

/** What became of one tracked path. */
export type CheckedOut =
  | {
      readonly outcome: 'restored' | 'unchanged';
      readonly path: string;
      readonly pointer: DataPointer;
      /** Files written, those of them that were cloned or copied from where they were before, and files removed. */
      readonly written: number;
      readonly cloned: number;
      readonly removed: number;
      /** Bytes of the files written. */
      readonly bytes: number;
    }
  | Failed;

/** Local changes stand in the way, bytes are missing, or the pointer can't be used: nothing of this path was changed. */
interface Failed {
  readonly outcome: 'failed';
  readonly path: string;
  readonly problem: MlopsError;
}

/**
 * Makes tracked data what its pointers in the work tree say. One path that can't be restored does not keep others from it.
 *
 * @returns one result for each tracked path, sorted by path
 * @throws UsageError `PATH_NOT_TRACKED`; InterruptedError
 */
export async function checkout(repository: Repository, request: CheckoutRequest = {}): Promise<CheckedOut[]> {
  const { pointers, problems } = selectPointers(await loadPointers(repository.documents), request.paths);
  const done = new Map<string, CheckedOut>();
  for (const { path, error } of problems) done.set(path, { outcome: 'failed', path, problem: error });
  for (const pointer of pointers) done.set(pointer.path, await restore(repository, pointer, request));
  const lacking = pointers.filter(({ path }) => lacksObjects(done.get(path)));
  if (lacking.length > 0 && request.cachedOnly !== true) {
    const failure = await fetchAll(repository, lacking, request);
    for (const pointer of lacking) {
      const again = await restore(repository, pointer, request);
      // The remote's own words say more than that something is not here.
      const told = failure !== undefined && lacksObjects(again);
      done.set(pointer.path, told ? { outcome: 'failed', path: pointer.path, problem: failure } : again);
    }
  }
  const results = [...done.values()].map((result) => withAdvice(result));
  return results.toSorted((first, second) => (first.path < second.path ? -1 : 1));
}

async function restore(
  repository: Repository,
  pointer: DataPointer,
  { force, signal, onProgress }: CheckoutRequest,
): Promise<CheckedOut> {
  const { path, digest } = pointer;
  try {
    const artifacts = await repository.artifacts();
    const updated = await artifacts.update(digest, path, {
      ...(force === undefined ? {} : { force }),
      ...(signal === undefined ? {} : { signal }),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    return { path, pointer, ...updated };
  } catch (error) {
    if (!(error instanceof MlopsError) || error instanceof InterruptedError) throw error;
    return { outcome: 'failed', path, problem: error };
  }
}

function lacksObjects(result: CheckedOut | undefined): boolean {
  if (result?.outcome !== 'failed') return false;
  return /^OBJECT_(?:MISSING|DAMAGED)$/.test(result.problem.code);
}

/** Says of bytes that are not here who may have them: other than what is saved here, their owner may be somebody else. */
function withAdvice(result: CheckedOut): CheckedOut {
  if (result.outcome !== 'failed') return result;
  const { problem } = result;
  const isMissing = problem.code === 'OBJECT_MISSING' || problem.code === 'REMOTE_OBJECT_MISSING';
  if (!isMissing || isWithoutRemote(problem)) return result;
  const { code, exitCode, message, retryable } = problem;
  const advised = new MlopsError(code, exitCode, message, { hint: ASK_FOR, retryable, cause: problem });
  return { ...result, problem: advised };
}

const ASK_FOR = 'run `mlops pull`, or ask whoever saved it to `mlops push` and run it then';

function isWithoutRemote({ cause }: MlopsError): boolean {
  return cause instanceof MlopsError && cause.code === 'NO_REMOTE';
}

/** What kept something from being fetched; what could be fetched is here all the same. */
async function fetchAll(
  repository: Repository,
  pointers: readonly DataPointer[],
  { remote, force = false, signal, onProgress }: CheckoutRequest,
): Promise<MlopsError | undefined> {
  const digests = new Set(pointers.map(({ digest }) => digest));
  try {
    await fetchArtifacts(repository, [...digests], {
      remote,
      restoring: { how: 'update', targets: pointers, force },
      ...(signal === undefined ? {} : { signal }),
      ...(onProgress === undefined
        ? {}
        : { onProgress: ({ bytes, totalBytes }) => onProgress({ bytes, totalBytes, files: 0 }) }),
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof MlopsError) || error instanceof InterruptedError) throw error;
    if (error.code !== 'NO_REMOTE') return error;
    return new IntegrityError('OBJECT_MISSING', `the bytes are not in this clone, and ${error.message}`, {
      hint: error.hint ?? 'add the remote that holds them: mlops remote add <name> <url>',
      cause: error,
    });
  }
}

/** One error for all paths that could not be restored, or undefined. */
export function checkoutProblem(results: readonly CheckedOut[]): MlopsError | undefined {
  const failed = results.filter((result) => result.outcome === 'failed');
  const [first] = failed;
  if (first === undefined) return undefined;
  const others = results.length - failed.length;
  const rest =
    others === 0
      ? ''
      : `; ${others === 1 ? 'the other path is as it' : `the other ${others} paths are as they`} should be`;
  const texts = new Set(
    failed.map(({ path, problem }) => {
      const { message } = problem;
      return message.includes(path) ? message : `${path}: ${message}`;
    }),
  );
  const { code, exitCode, hint, retryable } = first.problem;
  return new MlopsError(code, exitCode, `${[...texts].join('; ')}${rest}`, {
    ...(hint === undefined ? {} : { hint }),
    retryable,
    cause: first.problem,
  });
}
