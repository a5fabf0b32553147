export { parseFilter } from './filter.ts';
export { matches } from './match.ts';
export { compareBy, parseSort } from './sort.ts';
export type { FilterSubject, QueryOptions } from './subject.ts';
