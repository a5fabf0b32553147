import * as z from 'zod';
import { RUN_STATUSES, type ModelLink } from '../runs/index.ts';
import { endpoint, type Endpoint } from './endpoint.ts';
import { invalid } from './errors.ts';
import {
  anyText,
  list,
  mapOf,
  missing,
  optionalInteger,
  optionalText,
  pageSize,
  pairs,
  requiredText,
  runId,
  runIdOf,
  view,
} from './fields.ts';
import { runInfo, runReply } from './run-reply.ts';

const RUN_NAME = 'mlflow.runName';
const SEARCH_PAGE = { standard: 1000, most: 50_000 };
/** Ids of models that a client says a run read or wrote, in one request. */
const MOST_DATASETS = 1000;

const Run = z.object(runId);
const Status = z.enum(RUN_STATUSES);
const Dataset = z.object({
  tags: pairs,
  dataset: z.object({
    name: requiredText,
    digest: requiredText,
    source_type: anyText,
    source: anyText,
    schema: optionalText,
    profile: optionalText,
  }),
});
const Output = z.object({ model_id: requiredText, step: optionalInteger });

export const RUN_ENDPOINTS: readonly Endpoint[] = [
  endpoint(
    ['POST', 'runs/create'],
    z.object({
      experiment_id: optionalText,
      user_id: optionalText,
      run_name: optionalText,
      start_time: optionalInteger,
      tags: pairs,
    }),
    async ({ store }, input) => {
      const tags = mapOf(input.tags);
      const tagged = tags.get(RUN_NAME);
      tags.delete(RUN_NAME);
      if (input.run_name !== undefined && tagged !== undefined && tagged !== '' && tagged !== input.run_name)
        throw invalid(
          `Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values`,
        );
      const run = await store.create({
        experimentId: input.experiment_id,
        user: input.user_id,
        name: input.run_name ?? (tagged === '' ? undefined : tagged),
        startedAt: input.start_time,
        tags,
        writer: 'process',
      });
      return { run: runReply(run) };
    },
  ),
  endpoint(['GET', 'runs/get'], Run, async ({ store }, input) => ({
    run: runReply(await store.get(runIdOf(input))),
  })),
  endpoint(
    ['POST', 'runs/update'],
    z.object({
      ...runId,
      status: z.preprocess((value) => value ?? undefined, Status.optional()),
      end_time: optionalInteger,
      run_name: optionalText,
    }),
    async ({ store }, input) => {
      const { status, end_time: endedAt, run_name: name } = input;
      return { run_info: runInfo(await store.update(runIdOf(input), { status, endedAt, name })) };
    },
  ),
  endpoint(['POST', 'runs/delete'], Run, async ({ store }, input) => {
    await store.delete(runIdOf(input));
    return undefined;
  }),
  endpoint(['POST', 'runs/restore'], Run, async ({ store }, input) => {
    await store.restore(runIdOf(input));
    return undefined;
  }),
  endpoint(
    ['POST', 'runs/set-tag'],
    z.object({ ...runId, key: requiredText, value: anyText }),
    async ({ store }, { key, value, ...run }) => {
      await store.log(runIdOf(run), { tags: [[key, value]] });
      return undefined;
    },
  ),
  endpoint(
    ['POST', 'runs/delete-tag'],
    z.object({ ...runId, key: requiredText }),
    async ({ store }, { key, ...run }) => {
      await store.deleteTag(runIdOf(run), key);
      return undefined;
    },
  ),
  endpoint(
    ['POST', 'runs/search'],
    z.object({
      experiment_ids: list(z.string()),
      filter: optionalText,
      run_view_type: view,
      max_results: optionalInteger,
      order_by: list(z.string()),
      page_token: optionalText,
    }),
    async ({ store }, input) => {
      const { runs, nextPageToken } = await store.search({
        experimentIds: input.experiment_ids,
        filter: input.filter,
        orderBy: input.order_by,
        view: input.run_view_type,
        maxResults: pageSize(input.max_results, SEARCH_PAGE),
        pageToken: input.page_token,
      });
      return { runs: runs.map(runReply), next_page_token: nextPageToken };
    },
  ),
  endpoint(
    ['POST', 'runs/log-inputs'],
    z.object({
      ...runId,
      datasets: list(Dataset).refine((all) => all.length <= MOST_DATASETS, `more than ${MOST_DATASETS}`),
      models: list(z.object({ model_id: requiredText })),
    }),
    async ({ store }, { datasets, models, ...run }) => {
      const id = runIdOf(run);
      if (datasets.length === 0 && models.length === 0) throw missing('datasets');
      await store.logInputs(id, {
        datasets: datasets.map(
          ({ tags, dataset: { source_type: sourceType, schema, profile, ...rest } }) => ({
            ...rest,
            sourceType,
            ...(schema === undefined ? {} : { schema }),
            ...(profile === undefined ? {} : { profile }),
            tags: mapOf(tags),
          }),
        ),
        models: await existingModels(
          store,
          models.map(({ model_id: model }) => ({ model, step: 0 })),
        ),
      });
      return undefined;
    },
  ),
  endpoint(
    ['POST', 'runs/outputs'],
    z.object({ ...runId, models: list(Output) }),
    async ({ store }, { models, ...run }) => {
      const links = models.map(({ model_id: model, step = 0 }) => ({ model, step }));
      await store.logOutputs(runIdOf(run), await existingModels(store, links));
      return undefined;
    },
  ),
  endpoint(
    ['POST', 'runs/log-model'],
    z.object({ ...runId, model_json: requiredText }),
    async ({ store }, { model_json: text, ...run }) => {
      const id = runIdOf(run);
      const before = (await store.get(id)).tags.get(LOGGED_MODELS);
      const known = before === undefined ? [] : jsonList(before);
      await store.log(id, { tags: [[LOGGED_MODELS, JSON.stringify([...known, jsonObject(text)])]] });
      return undefined;
    },
  ),
];

/** The tag in which MLflow 2 keeps what it logged as models. */
const LOGGED_MODELS = 'mlflow.log-model.history';

function jsonObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Said below, for what is no JSON and what is no object alike.
  }
  throw invalid("Malformed model info: 'model_json' is no JSON object");
}

function jsonList(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

async function existingModels(
  { models }: { models: { get(id: string): Promise<unknown> } },
  links: readonly ModelLink[],
): Promise<readonly ModelLink[]> {
  for (const { model } of links) await models.get(model);
  return links;
}
