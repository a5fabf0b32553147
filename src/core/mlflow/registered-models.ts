import * as z from 'zod';
import { matches, parseFilter } from '../query/index.ts';
import { listModels, moveStage, promote } from '../registry/index.ts';
import { page } from '../runs/index.ts';
import { StageName } from '../../config/schema.ts';
import { endpoint, type Endpoint, type Tracking } from './endpoint.ts';
import { invalid, MlflowError, notFound } from './errors.ts';
import { anyText, list, optionalInteger, optionalText, pageSize, pairs, requiredText } from './fields.ts';
import {
  assertModelName,
  assertTag,
  changeNotes,
  filterTags,
  latestByStage,
  modelReply,
  numbered,
  registeredModel,
  stage as stageInGit,
  versionOf,
  versionReply,
  type NumberedVersion,
} from './registry-model.ts';

const Name = z.object({ name: requiredText });
const Alias = z.object({ name: requiredText, alias: requiredText });
const Latest = z.object({ name: requiredText, stages: list(z.string()) });
const PAGE = { standard: 100, most: 1000 };

const latest: Parameters<typeof endpoint<typeof Latest>>[2] = async ({ repository }, { name, stages }) => {
  const { state } = await registeredModel(repository, name);
  const wanted = new Set(stages.map((each) => each.toLowerCase()));
  const found = latestByStage(numbered(state)).filter(
    (each) => wanted.size === 0 || wanted.has(String(versionReply(each)['current_stage']).toLowerCase()),
  );
  return { model_versions: found.map(versionReply) };
};

export const REGISTERED_MODEL_ENDPOINTS: readonly Endpoint[] = [
  endpoint(
    ['POST', 'registered-models/create'],
    z.object({ name: requiredText, tags: pairs, description: optionalText }),
    async (tracking, { name, tags, description }) => {
      assertModelName(name);
      for (const { key, value } of tags) assertTag(key, value);
      if ((await listModels(tracking.repository.documents)).includes(name))
        throw new MlflowError('RESOURCE_ALREADY_EXISTS', `Registered Model (name=${name}) already exists.`);
      await changeNotes(tracking, name, (notes) => {
        notes.description = description;
        for (const { key, value } of tags) notes.tags.set(key, value);
      });
      return { registered_model: modelReply(await registeredModel(tracking.repository, name)) };
    },
  ),
  endpoint(['GET', 'registered-models/get'], Name, async ({ repository }, { name }) => ({
    registered_model: modelReply(await registeredModel(repository, name)),
  })),
  endpoint(
    ['PATCH', 'registered-models/update'],
    z.object({ name: requiredText, description: optionalText }),
    async (tracking, { name, description }) => {
      await registeredModel(tracking.repository, name);
      await changeNotes(tracking, name, (notes) => {
        notes.description = description;
      });
      return { registered_model: modelReply(await registeredModel(tracking.repository, name)) };
    },
  ),
  endpoint(
    ['GET', 'registered-models/search'],
    z.object({ filter: optionalText, max_results: optionalInteger, page_token: optionalText }),
    async ({ repository }, { filter: text, max_results: size, page_token: pageToken }) => {
      const filter = parseFilter(text ?? '', { attributes: { name: 'string' } });
      const found = [];
      for (const name of await listModels(repository.documents)) {
        const model = await registeredModel(repository, name);
        const tags = filterTags(Object.fromEntries(model.notes.tags));
        if (matches(filter, { metrics: {}, params: {}, tags, attributes: { name }, datasets: [] }))
          found.push(modelReply(model));
      }
      const maxResults = pageSize(size, PAGE);
      const { items, nextPageToken } = page(found, { maxResults, pageToken, search: text ?? '' });
      return { registered_models: items, next_page_token: nextPageToken };
    },
  ),
  endpoint(
    ['POST', 'registered-models/set-tag'],
    z.object({ name: requiredText, key: requiredText, value: anyText }),
    async (tracking, { name, key, value }) => {
      assertTag(key, value);
      await registeredModel(tracking.repository, name);
      await changeNotes(tracking, name, ({ tags }) => tags.set(key, value));
      return undefined;
    },
  ),
  endpoint(
    ['DELETE', 'registered-models/delete-tag'],
    z.object({ name: requiredText, key: requiredText }),
    async (tracking, { name, key }) => {
      await registeredModel(tracking.repository, name);
      await changeNotes(tracking, name, ({ tags }) => tags.delete(key));
      return undefined;
    },
  ),
  endpoint(['GET', 'registered-models/get-latest-versions'], Latest, latest),
  endpoint(['POST', 'registered-models/get-latest-versions'], Latest, latest),
  endpoint(['GET', 'registered-models/alias'], Alias, async ({ repository }, { name, alias }) => {
    const { state } = await registeredModel(repository, name);
    const found = numbered(state).find(({ version }) => version.stages.includes(alias));
    if (found === undefined) throw notFound(`Registered model alias ${alias} not found.`);
    return { model_version: versionReply(found) };
  }),
  endpoint(
    ['POST', 'registered-models/alias'],
    z.object({ name: requiredText, alias: requiredText, version: requiredText }),
    async (tracking, { name, alias, version }) => {
      const { state } = await registeredModel(tracking.repository, name);
      await hold(tracking, versionOf(state, version), alias);
      return undefined;
    },
  ),
  endpoint(['DELETE', 'registered-models/alias'], Alias, async ({ repository }, { name, alias }) => {
    const { state } = await registeredModel(repository, name);
    if (numbered(state).some(({ version }) => version.stages.includes(alias)))
      throw new MlflowError(
        'INVALID_STATE',
        `${alias} of ${name} can't be emptied: a stage keeps its history; set it to another version`,
      );
    return undefined;
  }),
];

/** Points an alias, which is a stage here, at a version; the event says that a client of MLflow asked for it. */
export async function hold(tracking: Tracking, { version }: NumberedVersion, alias: string): Promise<void> {
  const { repository } = tracking;
  const checked = StageName.safeParse(alias);
  if (!checked.success)
    throw invalid(`Invalid alias name: ${checked.error.issues[0]?.message ?? 'no stage'}`);
  const { model, version: label, digest } = version.record;
  const reason = 'set through the MLflow API';
  const { written } = repository.config.stages.includes(alias)
    ? await promote(repository, { reference: `${model}@${label}`, stage: alias, reason })
    : await moveStage(repository, { type: 'promoted', model, stage: alias, version: label, digest, reason });
  await stageInGit(tracking, written, model);
}
