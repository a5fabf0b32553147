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
  if (request.cachedOnly !== true) await bringLacking(repository, { pointers, request, done });
  const results = [...done.values()].map((result) => withAdvice(result));
  return results.toSorted((first, second) => (first.path < second.path ? -1 : 1));
}

interface Bringing {
  pointers: readonly DataPointer[];
  request: CheckoutRequest;
  /** By path. */
  done: Map<string, CheckedOut>;
}

/**
 * Fetches what is missing or damaged here and tries again. What lay here is read, and may be found to have rotted, only once all that
 * was missing is here too: then that is fetched as well.
 */
async function bringLacking(repository: Repository, { pointers, request, done }: Bringing): Promise<void> {
  let lacking = pointers.filter(({ path }) => lacksObjects(done.get(path)));
  for (const repair of [undefined, 'artifacts'] as const) {
    if (lacking.length === 0) return;
    const failure = await fetchAll(repository, lacking, { ...request, repair });
    const damaged: DataPointer[] = [];
    for (const pointer of lacking) {
      const again = await restore(repository, pointer, request);
      if (again.outcome === 'failed' && again.problem.code === 'OBJECT_DAMAGED') damaged.push(pointer);
      // The remote's own words say more than that something is not here.
      const told = failure !== undefined && lacksObjects(again);
      done.set(pointer.path, told ? { outcome: 'failed', path: pointer.path, problem: failure } : again);
    }
    lacking = damaged;
  }
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
  {
    remote,
    force = false,
    signal,
    onProgress,
    repair,
  }: CheckoutRequest & { repair: 'artifacts' | undefined },
): Promise<MlopsError | undefined> {
  const digests = new Set(pointers.map(({ digest }) => digest));
  try {
    await fetchArtifacts(repository, [...digests], {
      remote,
      restoring: { how: 'update', targets: pointers, force },
      ...(repair === undefined ? {} : { repair }),
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
