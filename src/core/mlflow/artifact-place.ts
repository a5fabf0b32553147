import type { Artifacts, RunStore } from '../runs/index.ts';
import { unsafePathProblem } from '../../lib/safe-path.ts';
import { invalid, notFound } from './errors.ts';

/** Whose files a path of the artifact service is about, and which of them. */
export interface ArtifactPlace {
  readonly artifacts: Artifacts;
  /** Below the top of the owner's files; empty for the top. */
  readonly path: string;
}

/** A path that was encoded again and again means to get past a check that decodes once. */
const MOST_DECODINGS = 4;

/**
 * Reads `<experiment>/<run>/artifacts[/path]` or `<experiment>/models/<model>/artifacts[/path]`.
 *
 * @param path decoded once, as it came in an address
 * @throws MlflowError `INVALID_PARAMETER_VALUE` for a path that leads out in any encoding; `RESOURCE_DOES_NOT_EXIST`
 */
export async function artifactPlace(store: RunStore, path: string): Promise<ArtifactPlace> {
  const trimmed = path.replace(/\/$/, '');
  assertHarmless(trimmed);
  const model = /^\d+\/models\/(m-[0-9a-f]{32})\/artifacts(?:\/(.+))?$/s.exec(trimmed);
  if (model?.[1] !== undefined) {
    await store.models.get(model[1]);
    return { artifacts: store.models.artifacts(model[1]), path: model[2] ?? '' };
  }
  const run = /^\d+\/([0-9a-f]{32})\/artifacts(?:\/(.+))?$/s.exec(trimmed);
  if (run?.[1] === undefined) throw notFound('no run and no logged model has its files there');
  await store.get(run[1]);
  return { artifacts: store.artifacts(run[1]), path: run[2] ?? '' };
}

/** @throws MlflowError `INVALID_PARAMETER_VALUE` */
export function assertHarmless(path: string): void {
  let text = path;
  for (let round = 0; round <= MOST_DECODINGS; round += 1) {
    if (unsafePathProblem(text) !== undefined) throw invalidPath();
    const decoded = decodedOnce(text);
    if (decoded === text) return;
    text = decoded;
  }
  throw invalidPath();
}

function decodedOnce(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A percent sign of its own, as in `100%.txt`, is no encoding.
    return text;
  }
}

function invalidPath(): Error {
  return invalid('Invalid path');
}
