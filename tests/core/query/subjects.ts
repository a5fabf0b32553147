import type { FilterSubject } from '../../../src/core/query/index.ts';

export function subject(parts: Partial<FilterSubject> = {}): FilterSubject {
  return { metrics: {}, params: {}, tags: {}, attributes: {}, ...parts };
}
