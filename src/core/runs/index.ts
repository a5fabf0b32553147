export { experimentByName } from './experiments.ts';
export { namedRun } from './named-run.ts';
export { isSystemMetric, RunSummary, runValue, summariseRun } from './run-summary.ts';
export { openRunStore } from './store.ts';
export type { OpenRunStoreOptions } from './store.ts';
export { artifactUri, RUN_QUERY } from './run-view.ts';
export { DEFAULT_EXPERIMENT, LOGGED_MODEL_STATUSES, RUN_STATUSES } from './run.ts';
export type * from './run.ts';
export type * from './run-store.ts';
