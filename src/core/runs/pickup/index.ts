import { MlopsError } from '../../../errors.ts';
import type { Run } from '../run.ts';
import type { RunStore } from '../run-store.ts';
import { pickUpDvcLive } from './dvclive.ts';
import { pickUpMetricsFile } from './metrics-file.ts';
import type { PickedUp } from './pickup.ts';
import { pickUpTensorBoard } from './tensorboard.ts';

/** Which files of a program are looked into when it has ended. Paths are absolute. */
export interface PickupRequest {
  metricsFiles: readonly string[];
  dvclive: readonly string[];
  tensorboard: readonly string[];
  /** Files and directories that are logged as artifacts, under their names or `<name>=<path>`. */
  artifacts: readonly { name: string; path: string }[];
  warn(message: string): void;
}

const POINTS_AT_ONCE = 1000;

/** Logs what a program left in files; what can't be used is a warning. */
export async function pickUp(store: RunStore, run: Run, request: PickupRequest): Promise<void> {
  const { metricsFiles, dvclive, tensorboard, artifacts, warn } = request;
  const options = { since: run.startedAt, now: Date.now() };
  for (const path of metricsFiles) await take(store, run, request, await pickUpMetricsFile(path, options));
  for (const path of dvclive) await take(store, run, request, await pickUpDvcLive(path, options));
  for (const path of tensorboard) await take(store, run, request, await pickUpTensorBoard(path, options));
  for (const { name, path } of artifacts)
    await attempt(warn, () => store.artifacts(run.id).putFrom(name, path));
}

async function take(store: RunStore, run: Run, { warn }: PickupRequest, found: PickedUp): Promise<void> {
  for (const problem of found.problems) warn(problem);
  const { metrics } = found;
  for (let at = 0; at < metrics.length; at += POINTS_AT_ONCE)
    await attempt(warn, () => store.log(run.id, { metrics: metrics.slice(at, at + POINTS_AT_ONCE) }));
  // What was given on the command line stands.
  const known = (await store.get(run.id)).params;
  const params = [...found.params].filter(([key]) => !known.has(key));
  if (params.length > 0) await attempt(warn, () => store.log(run.id, { params }));
  for (const [name, path] of found.artifacts)
    await attempt(warn, () => store.artifacts(run.id).putFrom(name, path));
}

/** One thing that can't be logged does not keep others from being logged. */
async function attempt(warn: (message: string) => void, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof MlopsError)) throw error;
    warn(error.message);
  }
}
