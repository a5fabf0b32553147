import { artifactUri, type DatasetInput, type MetricPoint, type ModelLink, type Run } from '../runs/index.ts';
import type { Reply } from './endpoint.ts';
import { jsonReal, pairsOf } from './fields.ts';

export function runReply(run: Run): Reply {
  return {
    info: runInfo(run),
    data: {
      metrics: [...run.metrics].map(([key, { value, step, time }]) =>
        metricReply({ key, value, step, time }),
      ),
      params: pairsOf(run.params),
      tags: [...pairsOf(run.tags), { key: 'mlflow.runName', value: run.name }],
    },
    inputs: {
      dataset_inputs: run.inputs.map(datasetReply),
      model_inputs: run.modelInputs.map(({ model }) => ({ model_id: model })),
    },
    outputs: { model_outputs: run.modelOutputs.map(outputReply) },
  };
}

export function runInfo(run: Run): Reply {
  return {
    run_id: run.id,
    run_uuid: run.id,
    run_name: run.name,
    experiment_id: run.experimentId,
    user_id: run.createdBy,
    status: run.status,
    start_time: run.startedAt,
    end_time: run.endedAt,
    artifact_uri: artifactUri(run.id, run.experimentId),
    lifecycle_stage: run.lifecycle,
  };
}

export function metricReply({ key, value, step, time, dataset, model }: MetricPoint): Reply {
  return {
    key,
    value: jsonReal(value),
    timestamp: time,
    step,
    model_id: model,
    dataset_name: dataset?.name,
    dataset_digest: dataset?.digest,
  };
}

function datasetReply({ name, digest, sourceType, source, schema, profile, tags }: DatasetInput): Reply {
  return {
    dataset: { name, digest, source_type: sourceType, source, schema, profile },
    tags: pairsOf(tags),
  };
}

function outputReply({ model, step }: ModelLink): Reply {
  return { model_id: model, step };
}
