import * as z from 'zod';
import { matches, parseFilter } from '../query/index.ts';
import { annotate, deleteVersion, deprecate, listModels, loadModel, save } from '../registry/index.ts';
import { page, type ComposedArtifact } from '../runs/index.ts';
import { artifactPlace } from './artifact-place.ts';
import { endpoint, type Endpoint, type Tracking } from './endpoint.ts';
import { invalid, MlflowError } from './errors.ts';
import {
  anyText,
  flag,
  mapOf,
  optionalInteger,
  optionalText,
  pageSize,
  pairs,
  requiredText,
} from './fields.ts';
import { hold } from './registered-models.ts';
import {
  assertTag,
  currentStage,
  filterTags,
  MODEL_ID,
  numbered,
  registeredModel,
  SOURCE,
  stage,
  versionOf,
  versionReply,
  versionUri,
  type NumberedVersion,
} from './registry-model.ts';

const version = { name: requiredText, version: requiredText };
const PAGE = { standard: 10_000, most: 200_000 };

async function find(
  { repository }: Tracking,
  { name, version: number }: { name: string; version: string },
): Promise<NumberedVersion> {
  return versionOf((await registeredModel(repository, name)).state, number);
}

function referenceTo({ version: { record } }: NumberedVersion): string {
  return `${record.model}@${record.version}`;
}

export const MODEL_VERSION_ENDPOINTS: readonly Endpoint[] = [
  endpoint(
    ['POST', 'model-versions/create'],
    z.object({
      name: requiredText,
      source: requiredText,
      run_id: optionalText,
      model_id: optionalText,
      tags: pairs,
      description: optionalText,
    }),
    async (tracking, input) => {
      const { repository, store } = tracking;
      const { name: model, source, description } = input;
      await registeredModel(repository, model);
      for (const { key, value } of input.tags) assertTag(key, value);
      const modelId = input.model_id ?? /^models:\/(m-[0-9a-f]{32})$/.exec(source)?.[1];
      const stored = await composeSource(tracking, source, modelId);
      const run =
        input.run_id ?? (modelId === undefined ? undefined : (await store.models.get(modelId)).runId);
      const known = run === undefined ? undefined : await store.get(run);
      const tags = mapOf(input.tags).set(SOURCE, source);
      if (modelId !== undefined) tags.set(MODEL_ID, modelId);
      const saved = await save(repository, {
        model,
        source: `${repository.root}/${model}`,
        stored,
        run,
        description,
        tags,
        params: known?.params ?? new Map(),
        metrics: new Map(),
        data: [],
      });
      await stage(tracking, saved.written, model);
      const { version: label, digest } = saved.record;
      if (run !== undefined) await store.linkVersion(run, { model, version: label, digest });
      const state = await loadModel(repository, model);
      const found = numbered(state).find((each) => each.version.record.version === label);
      if (found === undefined) throw new MlflowError('INTERNAL_ERROR', `${model}@${label} is gone`);
      return { model_version: versionReply(found) };
    },
  ),
  endpoint(['GET', 'model-versions/get'], z.object(version), async (tracking, input) => ({
    model_version: versionReply(await find(tracking, input)),
  })),
  endpoint(['GET', 'model-versions/get-download-uri'], z.object(version), async (tracking, input) => ({
    artifact_uri: versionUri((await find(tracking, input)).version),
  })),
  endpoint(
    ['PATCH', 'model-versions/update'],
    z.object({ ...version, description: anyText }),
    async (tracking, { description, ...input }) => {
      await note(tracking, await find(tracking, input), { description });
      return { model_version: versionReply(await find(tracking, input)) };
    },
  ),
  endpoint(['DELETE', 'model-versions/delete'], z.object(version), async (tracking, input) => {
    const found = await find(tracking, input);
    const { written } = await deleteVersion(
      tracking.repository,
      referenceTo(found),
      'deleted through the MLflow API',
    );
    await stage(tracking, written, input.name);
    return undefined;
  }),
  endpoint(
    ['POST', 'model-versions/set-tag'],
    z.object({ ...version, key: requiredText, value: anyText }),
    async (tracking, { key, value, ...input }) => {
      assertTag(key, value);
      await note(tracking, await find(tracking, input), { tags: new Map([[key, value]]) });
      return undefined;
    },
  ),
  endpoint(
    ['DELETE', 'model-versions/delete-tag'],
    z.object({ ...version, key: requiredText }),
    async (tracking, { key, ...input }) => {
      await note(tracking, await find(tracking, input), { tags: new Map([[key, '']]) });
      return undefined;
    },
  ),
  endpoint(
    ['POST', 'model-versions/transition-stage'],
    z.object({ ...version, stage: requiredText, archive_existing_versions: flag }),
    async (tracking, { stage: wanted, ...input }) => {
      await transition(tracking, await find(tracking, input), wanted.toLowerCase());
      return { model_version: versionReply(await find(tracking, input)) };
    },
  ),
  endpoint(
    ['GET', 'model-versions/search'],
    z.object({ filter: optionalText, max_results: optionalInteger, page_token: optionalText }),
    async ({ repository }, { filter: text, max_results: size, page_token: pageToken }) => {
      const attributes = {
        name: 'string',
        run_id: 'string',
        source_path: 'string',
        version_number: 'number',
      } as const;
      const filter = parseFilter(text ?? '', { attributes });
      const found = [];
      for (const name of await listModels(repository.documents)) {
        for (const each of numbered(await loadModel(repository, name)).toReversed()) {
          const { tags, record } = each.version;
          const subject = {
            name,
            run_id: record.lineage.run,
            source_path: tags[SOURCE],
            version_number: each.number,
          };
          if (
            matches(filter, {
              metrics: {},
              params: {},
              tags: filterTags(tags),
              attributes: subject,
              datasets: [],
            })
          )
            found.push(versionReply(each));
        }
      }
      const maxResults = pageSize(size, PAGE);
      const { items, nextPageToken } = page(found, { maxResults, pageToken, search: text ?? '' });
      return { model_versions: items, next_page_token: nextPageToken };
    },
  ),
];

async function note(
  tracking: Tracking,
  found: NumberedVersion,
  { tags = new Map(), description }: { tags?: ReadonlyMap<string, string>; description?: string },
): Promise<void> {
  const reference = referenceTo(found);
  const { written } = await annotate(tracking.repository, { reference, tags, description });
  await stage(tracking, written, found.version.record.model);
}

async function transition(tracking: Tracking, found: NumberedVersion, wanted: string): Promise<void> {
  if (currentStage(found.version).toLowerCase() === wanted) return;
  if (wanted === 'production' || wanted === 'staging') return hold(tracking, found, wanted);
  if (wanted !== 'archived' && wanted !== 'none')
    throw invalid(
      `Invalid Model Version stage: ${wanted}. Value must be one of None, Staging, Production, Archived.`,
    );
  if (wanted === 'none' || found.version.stages.length > 0)
    throw new MlflowError(
      'INVALID_STATE',
      `${referenceTo(found)} can't leave a stage by itself; move another version there`,
    );
  const { written } = await deprecate(
    tracking.repository,
    referenceTo(found),
    'archived through the MLflow API',
  );
  await stage(tracking, written, found.version.record.model);
}

/** What a version is made of: files of a run or of a logged model, which are stored already. */
async function composeSource(
  { store }: Tracking,
  source: string,
  modelId: string | undefined,
): Promise<ComposedArtifact> {
  if (modelId !== undefined) {
    await store.models.get(modelId);
    return store.models.artifacts(modelId).compose();
  }
  const run = /^runs:\/([0-9a-f]{32})(?:\/(.+))?$/s.exec(source);
  if (run?.[1] !== undefined) {
    await store.get(run[1]);
    return store.artifacts(run[1]).compose(run[2] ?? '');
  }
  const below = /^mlflow-artifacts:\/+(.+)$/s.exec(source)?.[1];
  if (below === undefined)
    throw invalid(`Invalid model version source: it is neither in a run nor a logged model of this server`);
  const { artifacts, path } = await artifactPlace(store, below);
  return artifacts.compose(path);
}
