import * as z from 'zod';
import type { Experiment } from '../runs/index.ts';
import { endpoint, type Endpoint, type Reply } from './endpoint.ts';
import { notFound } from './errors.ts';
import {
  anyText,
  list,
  mapOf,
  optionalInteger,
  optionalText,
  pageSize,
  pairs,
  pairsOf,
  requiredText,
  view,
} from './fields.ts';

const PAGE = { standard: 1000, most: 50_000 };

const Id = z.object({ experiment_id: requiredText });
const Search = z.object({
  max_results: optionalInteger,
  page_token: optionalText,
  filter: optionalText,
  order_by: list(z.string()),
  view_type: view,
});

const search: Parameters<typeof endpoint<typeof Search>>[2] = async ({ store }, input) => {
  const { experiments, nextPageToken } = await store.experiments.search({
    filter: input.filter,
    orderBy: input.order_by,
    view: input.view_type,
    maxResults: pageSize(input.max_results, PAGE),
    pageToken: input.page_token,
  });
  return { experiments: experiments.map(experimentReply), next_page_token: nextPageToken };
};

export const EXPERIMENT_ENDPOINTS: readonly Endpoint[] = [
  endpoint(
    ['POST', 'experiments/create'],
    z.object({ name: requiredText, artifact_location: optionalText, tags: pairs }),
    async ({ store }, { name, artifact_location: artifactLocation, tags }) => {
      const { id } = await store.experiments.create({ name, artifactLocation, tags: mapOf(tags) });
      return { experiment_id: id };
    },
  ),
  endpoint(['GET', 'experiments/get'], Id, async ({ store }, { experiment_id: id }) => ({
    experiment: experimentReply(await store.experiments.get(id)),
  })),
  endpoint(
    ['GET', 'experiments/get-by-name'],
    z.object({ experiment_name: requiredText }),
    async ({ store }, { experiment_name: name }) => {
      const found = await store.experiments.byName(name);
      if (found === undefined) throw notFound(`Could not find experiment with name '${name.slice(0, 500)}'`);
      return { experiment: experimentReply(found) };
    },
  ),
  endpoint(['POST', 'experiments/search'], Search, search),
  endpoint(['GET', 'experiments/search'], Search, search),
  endpoint(
    ['POST', 'experiments/update'],
    z.object({ experiment_id: requiredText, new_name: requiredText }),
    async ({ store }, { experiment_id: id, new_name: name }) => {
      await store.experiments.rename(id, name);
      return undefined;
    },
  ),
  endpoint(['POST', 'experiments/delete'], Id, async ({ store }, { experiment_id: id }) => {
    await store.experiments.delete(id);
    return undefined;
  }),
  endpoint(['POST', 'experiments/restore'], Id, async ({ store }, { experiment_id: id }) => {
    await store.experiments.restore(id);
    return undefined;
  }),
  endpoint(
    ['POST', 'experiments/set-experiment-tag'],
    z.object({ experiment_id: requiredText, key: requiredText, value: anyText }),
    async ({ store }, { experiment_id: id, key, value }) => {
      await store.experiments.setTag(id, key, value);
      return undefined;
    },
  ),
  endpoint(
    ['POST', 'experiments/delete-experiment-tag'],
    z.object({ experiment_id: requiredText, key: requiredText }),
    async ({ store }, { experiment_id: id, key }) => {
      await store.experiments.deleteTag(id, key);
      return undefined;
    },
  ),
];

function experimentReply({ id, name, lifecycle, createdAt, updatedAt, tags }: Experiment): Reply {
  return {
    experiment_id: id,
    name,
    artifact_location: `mlflow-artifacts:/${id}`,
    lifecycle_stage: lifecycle,
    creation_time: createdAt,
    last_update_time: updatedAt,
    tags: pairsOf(tags),
  };
}
