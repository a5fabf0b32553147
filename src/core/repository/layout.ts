/** Every path below `.mlops` that the product reads or writes; names are validated before they come here. */
export const MLOPS_DIRECTORY = '.mlops';
export const FORMAT_PATH = 'format.json';
export const CONFIG_PATH = 'config.json';
/** What `mlops init` writes: a clone without format.json is no registry, and one without the rules for Git goes wrong later. */
export const FOUNDATION: readonly string[] = ['.gitignore', '.gitattributes', CONFIG_PATH, FORMAT_PATH];
export const LOCAL_CONFIG_PATH = 'local.json';
export const MODELS_DIRECTORY = 'models';
export const PENDING_PATH = 'tmp/pending.json';

export function modelDirectory(model: string): string {
  return `${MODELS_DIRECTORY}/${model}`;
}

export function modelPath(model: string): string {
  return `${modelDirectory(model)}/model.json`;
}

export function versionsDirectory(model: string): string {
  return `${modelDirectory(model)}/versions`;
}

export function recordPath(model: string, version: string): string {
  return `${versionsDirectory(model)}/${version}.json`;
}

export function stagesDirectory(model: string): string {
  return `${modelDirectory(model)}/stages`;
}

export function stagePath(model: string, stage: string): string {
  return `${stagesDirectory(model)}/${stage}.json`;
}

export function eventsDirectory(model: string): string {
  return `${modelDirectory(model)}/events`;
}

export const DATA_DIRECTORY = 'data';
export const RUNS_DIRECTORY = 'runs';
/** Events that concern the whole repository and no model. */
export const REPOSITORY_EVENTS_DIRECTORY = 'events';
/** Drift reports that were kept on purpose. */
export const DRIFT_REPORTS_DIRECTORY = 'reports/drift';

/** The place of the pointer of a tracked path. */
export function pointerPath(path: string): string {
  return `${DATA_DIRECTORY}/${path}.json`;
}

/** From a path below `.mlops` to one below the Git root. */
export function gitPath(path: string): string {
  return `${MLOPS_DIRECTORY}/${path}`;
}
