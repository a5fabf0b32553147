import type { VersionState } from './model-state.ts';

/** One line for whoever uses a version that should not be used any more; undefined for any other. */
export function deprecationNotice({ record, deprecated }: VersionState): string | undefined {
  if (deprecated === undefined) return undefined;
  return `${record.model}@${record.version} is deprecated: ${deprecated.reason ?? 'no reason given'}`;
}
