export { parseFilter, type Condition, type Filter, type Test } from './filter.ts';
export { matches } from './match.ts';
export { compareBy, parseSort, type SortKey } from './sort.ts';
export type { AttributeKind, FilterSubject, QueryOptions } from './subject.ts';
