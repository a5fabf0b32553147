import { randomBytes } from 'node:crypto';
import { openRunStore, type Run, type TrackingEndpoint } from '../core/runs/index.ts';
import type { Repository } from '../core/repository/repository.ts';
import { startTrackingServer } from './tracking-server.ts';

export interface RunEndpointOptions {
  repository: Repository;
  run: Run;
  warn(message: string): void;
}

/** MLflow's protocol on a random port of loopback, behind a token of its own, for the program that a run consists of. */
export async function startRunEndpoint(options: RunEndpointOptions): Promise<TrackingEndpoint> {
  const { repository, run, warn } = options;
  const store = await openRunStore(repository);
  const token = randomBytes(24).toString('hex');
  const tracking = { repository, store, warn };
  const server = await startTrackingServer({ tracking, host: '127.0.0.1', port: 0, token });
  return {
    variables: {
      MLFLOW_TRACKING_URI: server.url,
      MLFLOW_TRACKING_TOKEN: token,
      MLFLOW_RUN_ID: run.id,
      MLFLOW_EXPERIMENT_NAME: run.experimentName,
    },
    close: async () => {
      await server.close();
      await store.close();
    },
  };
}
