import * as z from 'zod';
import { UsageError, type MlopsError } from '../../errors.ts';
import { compareBy, matches, parseFilter, parseSort } from '../query/index.ts';
import { modelPath } from '../repository/layout.ts';
import type { Repository } from '../repository/repository.ts';
import {
  assertModelExists,
  listModels,
  liveVersions,
  loadModel,
  type ModelState,
  type VersionState,
} from './model-state.ts';
import { assertStageExists } from './move-stage.ts';
import { fingerprintsOf, readOverview, writeOverview } from './overview-cache.ts';
import { heldVersion } from './stage-pointer.ts';
import { filterSubject, summarise, VERSION_QUERY, type VersionSummary } from './version-summary.ts';

export const ModelOverview = z.lazy(() =>
  z.object({
    model: z.string(),
    /** How many versions there are, without deleted ones. */
    versions: z.number(),
    latest: z.string().nullable(),
    /** Version by stage; stages that hold none are left out. */
    stages: z.record(z.string(), z.string()),
    /** When the newest version was created. */
    updatedAt: z.string().nullable(),
  }),
);
export type ModelOverview = z.output<typeof ModelOverview>;

/** A document that was passed over, and why. */
export interface RegistryProblem {
  path: string;
  error: MlopsError;
}

export interface ListRequest {
  stage?: string | undefined;
  /** See core/query. */
  filter?: string | undefined;
  sort?: string | undefined;
  limit?: number | undefined;
  /** Deleted versions too. */
  all?: boolean;
}

/**
 * One row a model. With a filter: only models of which a version matches; `latest` and `versions` then count matching ones.
 * `total` is the number of models, matching or not.
 * @throws UsageError `FILTER_INVALID`, `STAGE_NOT_FOUND`
 */
export async function overview(
  repository: Repository,
  request: ListRequest,
): Promise<{ models: ModelOverview[]; total: number; problems: RegistryProblem[] }> {
  const select = selector(repository, request);
  if (request.sort !== undefined) {
    throw new UsageError('SORT_INVALID', '--sort orders the versions of one model', {
      hint: 'name the model: mlops list <model> --sort <key>',
    });
  }
  const models: ModelOverview[] = [];
  let total = 0;
  const problems: RegistryProblem[] = [];
  for (const model of await listModels(repository.documents)) {
    const whole = !narrows(request) && request.all !== true;
    // Taken before the files are read: a change in between must not count as known.
    const fingerprints = whole ? await fingerprintsOf(repository.documents, model) : undefined;
    const known = await readOverview(repository.documents, model, fingerprints);
    if (known !== undefined) {
      models.push(known);
      total += 1;
      continue;
    }
    const state = await loadModel(repository, model);
    problems.push(...state.problems);
    if (await isEmpty(repository, state)) continue;
    total += 1;
    const versions = select(state);
    if (fingerprints !== undefined && isSound(state)) {
      await writeOverview(repository.documents, summariseModel(state, versions), fingerprints);
    }
    if (versions.length > 0 || !narrows(request)) models.push(summariseModel(state, versions));
  }
  return { models: models.slice(0, request.limit), total, problems };
}

/** Nothing to report, and nothing that depends on more than the model's own files, as an interrupted move does. */
function isSound({ problems, stages }: ModelState): boolean {
  return problems.length === 0 && [...stages.values()].every(({ status }) => status === 'ok');
}

/** A directory that a failed save, or Git, left behind is no model. */
async function isEmpty({ documents }: Repository, state: ModelState): Promise<boolean> {
  const { log, problems, unregistered, stages } = state;
  if (log.newestFirst.length + problems.length + unregistered.length + stages.size > 0) return false;
  return (await documents.read(modelPath(state.model))) === undefined;
}

function narrows({ stage, filter }: ListRequest): boolean {
  return stage !== undefined || filter !== undefined;
}

function summariseModel(state: ModelState, versions: readonly VersionState[]): ModelOverview {
  const stages: Record<string, string> = {};
  for (const [stage, stageState] of state.stages) {
    const version = heldVersion(stageState);
    if (version !== undefined) stages[stage] = version;
  }
  const latest = versions[0]?.record;
  return {
    model: state.model,
    versions: versions.length,
    latest: latest?.version ?? null,
    stages,
    updatedAt: latest?.createdAt ?? null,
  };
}

/** The versions of a model, newest first unless `sort` says otherwise. `total` is their number before `limit`. */
export async function listVersions(
  repository: Repository,
  request: ListRequest & { model: string },
): Promise<{ versions: VersionSummary[]; total: number; problems: readonly RegistryProblem[] }> {
  const select = selector(repository, request);
  const order = request.sort === undefined ? undefined : compareBy(parseSort(request.sort, VERSION_QUERY));
  await assertModelExists(repository.documents, request.model);
  const state = await loadModel(repository, request.model);
  let found = select(state);
  if (order !== undefined) {
    const subjects = found.map((version) => ({ version, subject: filterSubject(version) }));
    found = subjects
      .toSorted((left, right) => order(left.subject, right.subject))
      .map(({ version }) => version);
  }
  return {
    versions: found.slice(0, request.limit).map(summarise),
    total: found.length,
    problems: state.problems,
  };
}

function selector(
  repository: Repository,
  { stage, filter, all }: ListRequest,
): (state: ModelState) => VersionState[] {
  if (stage !== undefined) assertStageExists(repository, stage);
  const parsed = filter === undefined ? undefined : parseFilter(filter, VERSION_QUERY);
  return (state) => {
    const versions = all === true ? state.versions.toReversed() : liveVersions(state);
    return versions.filter(
      (version) =>
        (stage === undefined || version.stages.includes(stage)) &&
        (parsed === undefined || matches(parsed, filterSubject(version))),
    );
  };
}
