export { parseFields } from './fields.ts';
export { parseFilter } from './filter.ts';
export { matches } from './match.ts';
export { compareBy, parseSort } from './sort.ts';
export type { Field, FilterSubject, QueryOptions } from './subject.ts';
