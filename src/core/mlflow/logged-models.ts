import * as z from 'zod';
import {
  LOGGED_MODEL_STATUSES,
  type LoggedModel,
  type LoggedModelStatus,
  type RunStore,
} from '../runs/index.ts';
import { endpoint, type Endpoint, type Reply } from './endpoint.ts';
import {
  flag,
  list,
  mapOf,
  optionalInteger,
  optionalText,
  pageSize,
  pairs,
  pairsOf,
  requiredText,
} from './fields.ts';
import { metricReply } from './run-reply.ts';

const SEARCH_PAGE = { standard: 50, most: 50_000 };
const Id = z.object({ model_id: requiredText });
const Status = z.preprocess(
  (name) => (typeof name === 'string' ? name.replace(/^LOGGED_MODEL_/, '') : name),
  z.enum(LOGGED_MODEL_STATUSES),
);

export const LOGGED_MODEL_ENDPOINTS: readonly Endpoint[] = [
  endpoint(
    ['POST', 'logged-models'],
    z.object({
      experiment_id: requiredText,
      name: optionalText,
      model_type: optionalText,
      source_run_id: optionalText,
      params: pairs,
      tags: pairs,
    }),
    async ({ store }, input) => {
      const model = await store.models.create({
        experimentId: input.experiment_id,
        name: input.name,
        modelType: input.model_type,
        runId: input.source_run_id,
        params: mapOf(input.params),
        tags: mapOf(input.tags),
      });
      return { model: await modelReply(store, model) };
    },
  ),
  endpoint(
    ['POST', 'logged-models/search'],
    z.object({
      experiment_ids: list(z.string()),
      filter: optionalText,
      max_results: optionalInteger,
      order_by: list(z.object({ field_name: requiredText, ascending: flag })),
      page_token: optionalText,
    }),
    async ({ store }, input) => {
      const { models, nextPageToken } = await store.models.search({
        experimentIds: input.experiment_ids,
        filter: input.filter,
        orderBy: input.order_by.map(
          ({ field_name: field, ascending = true }) => `${field} ${ascending ? 'ASC' : 'DESC'}`,
        ),
        maxResults: pageSize(input.max_results, SEARCH_PAGE),
        pageToken: input.page_token,
      });
      const replies: Reply[] = [];
      for (const model of models) replies.push(await modelReply(store, model));
      return { models: replies, next_page_token: nextPageToken };
    },
  ),
  endpoint(['GET', 'logged-models/{model_id}'], Id, async ({ store }, { model_id: id }) => ({
    model: await modelReply(store, await store.models.get(id)),
  })),
  endpoint(
    ['PATCH', 'logged-models/{model_id}'],
    z.object({ model_id: requiredText, status: Status }),
    async ({ store }, { model_id: id, status }) => ({
      model: await modelReply(store, await store.models.finish(id, status)),
    }),
  ),
  endpoint(['DELETE', 'logged-models/{model_id}'], Id, async ({ store }, { model_id: id }) => {
    await store.models.delete(id);
    return undefined;
  }),
  endpoint(
    ['PATCH', 'logged-models/{model_id}/tags'],
    z.object({ model_id: requiredText, tags: pairs }),
    async ({ store }, { model_id: id, tags }) => {
      await store.models.setTags(
        id,
        tags.map(({ key, value }) => [key, value] as const),
      );
      return { model: await modelReply(store, await store.models.get(id)) };
    },
  ),
  endpoint(
    ['DELETE', 'logged-models/{model_id}/tags/{tag_key}'],
    z.object({ model_id: requiredText, tag_key: requiredText }),
    async ({ store }, { model_id: id, tag_key: key }) => {
      await store.models.deleteTag(id, key);
      return undefined;
    },
  ),
  endpoint(
    ['POST', 'logged-models/{model_id}/params'],
    z.object({ model_id: requiredText, params: pairs }),
    async ({ store }, { model_id: id, params }) => {
      await store.models.logParams(
        id,
        params.map(({ key, value }) => [key, value] as const),
      );
      return undefined;
    },
  ),
  endpoint(
    ['GET', 'logged-models/{model_id}/artifacts/directories'],
    z.object({ model_id: requiredText, artifact_directory_path: optionalText }),
    async ({ store }, { model_id: id, artifact_directory_path: directory }) => {
      const { experimentId } = await store.models.get(id);
      const entries = await store.models.artifacts(id).list(directory);
      return {
        root_uri: modelArtifactUri(id, experimentId),
        files: entries.map(({ path, isDirectory, size }) => ({ path, is_dir: isDirectory, file_size: size })),
      };
    },
  ),
];

/** Where MLflow's clients look for the files of a logged model. */
export function modelArtifactUri(id: string, experimentId: string): string {
  return `mlflow-artifacts:/${experimentId}/models/${id}/artifacts`;
}

const STATUS_NAMES: Readonly<Record<LoggedModelStatus, string>> = {
  PENDING: 'LOGGED_MODEL_PENDING',
  READY: 'LOGGED_MODEL_READY',
  UPLOAD_FAILED: 'LOGGED_MODEL_UPLOAD_FAILED',
};

async function modelReply(store: RunStore, model: LoggedModel): Promise<Reply> {
  const { id, experimentId, name, createdAt, updatedAt, status, modelType, runId, params, tags } = model;
  const metrics = await store.models.metrics(id);
  return {
    info: {
      model_id: id,
      experiment_id: experimentId,
      name,
      creation_timestamp_ms: createdAt,
      last_updated_timestamp_ms: updatedAt,
      artifact_uri: modelArtifactUri(id, experimentId),
      status: STATUS_NAMES[status],
      model_type: modelType,
      source_run_id: runId,
      tags: pairsOf(tags),
      registrations: [],
    },
    data: {
      params: pairsOf(params),
      metrics: metrics.map((point) => ({ ...metricReply(point), run_id: point.runId })),
    },
  };
}
