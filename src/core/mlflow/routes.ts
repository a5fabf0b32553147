import { ARTIFACT_ENDPOINTS } from './artifacts.ts';
import type { Endpoint } from './endpoint.ts';
import { EXPERIMENT_ENDPOINTS } from './experiments.ts';
import { LOGGED_MODEL_ENDPOINTS } from './logged-models.ts';
import { METRIC_ENDPOINTS } from './metrics.ts';
import { MODEL_VERSION_ENDPOINTS } from './model-versions.ts';
import { REGISTERED_MODEL_ENDPOINTS } from './registered-models.ts';
import { RUN_ENDPOINTS } from './runs.ts';

export interface FoundEndpoint {
  readonly endpoint: Endpoint;
  /** Fields that are parts of the path, decoded once. */
  readonly fields: ReadonlyMap<string, string>;
}

const ENDPOINTS: readonly Endpoint[] = [
  ...EXPERIMENT_ENDPOINTS,
  ...RUN_ENDPOINTS,
  ...METRIC_ENDPOINTS,
  ...LOGGED_MODEL_ENDPOINTS,
  ...ARTIFACT_ENDPOINTS,
  ...REGISTERED_MODEL_ENDPOINTS,
  ...MODEL_VERSION_ENDPOINTS,
];

const BY_ADDRESS: ReadonlyMap<string, Endpoint> = new Map(
  ENDPOINTS.map((each) => [`${each.method} ${each.path}`, each]),
);

const WITH_FIELDS = ENDPOINTS.filter(({ path }) => path.includes('{')).map((endpoint) => ({
  endpoint,
  parts: endpoint.path.split('/'),
}));

/** @param path below `/api/2.0/mlflow/`, still encoded */
export function findEndpoint(method: string, path: string): FoundEndpoint | undefined {
  const exact = BY_ADDRESS.get(`${method} ${path}`);
  if (exact !== undefined) return { endpoint: exact, fields: new Map() };
  const parts = path.split('/');
  for (const { endpoint, parts: pattern } of WITH_FIELDS) {
    if (endpoint.method !== method || pattern.length !== parts.length) continue;
    const fields = matched(pattern, parts);
    if (fields !== undefined) return { endpoint, fields };
  }
  return undefined;
}

function matched(pattern: readonly string[], parts: readonly string[]): Map<string, string> | undefined {
  const fields = new Map<string, string>();
  for (const [index, expected] of pattern.entries()) {
    const part = parts[index] ?? '';
    if (!expected.startsWith('{')) {
      if (part !== expected) return undefined;
      continue;
    }
    try {
      fields.set(expected.slice(1, -1), decodeURIComponent(part));
    } catch {
      return undefined;
    }
  }
  return fields;
}
