import {
  compareBy,
  matches,
  parseFilter,
  parseSort,
  type FilterSubject,
  type QueryOptions,
} from '../query/index.ts';
import type { Field } from '../query/subject.ts';

/** What a filter or an order asks of an item, one key at a time: items with thousands of values need not be turned into records. */
export interface QueryItem {
  metric?(key: string): number | undefined;
  param?(key: string): string | undefined;
  tag?(key: string): string | undefined;
  attribute?(key: string): string | number | undefined;
  datasets?(): readonly Readonly<Record<string, string>>[];
}

/** Whether an item matches; an empty or absent filter matches all. @throws UsageError `FILTER_INVALID` */
export function itemFilter(filter: string | undefined, options: QueryOptions): (item: QueryItem) => boolean {
  if (filter === undefined) return () => true;
  const parsed = parseFilter(filter, options);
  const fields = parsed.conditions.map(({ field }) => field);
  if (fields.length === 0) return () => true;
  return (item) => matches(parsed, subjectOf(item, fields));
}

/**
 * The order of items by several sort orders, the first one first. Values are looked up once an item.
 * @throws UsageError `SORT_INVALID`
 */
export function compareItems(
  orderBy: readonly string[] | undefined,
  options: QueryOptions,
): (first: QueryItem, second: QueryItem) => number {
  const keys = (orderBy ?? [])
    .filter((text) => text.trim() !== '')
    .flatMap((text) => parseSort(text, options));
  if (keys.length === 0) return () => 0;
  const fields = keys.map(({ field }) => field);
  const compare = compareBy(keys);
  const subjects = new WeakMap<QueryItem, FilterSubject>();
  const known = (item: QueryItem): FilterSubject => {
    const subject = subjects.get(item) ?? subjectOf(item, fields);
    subjects.set(item, subject);
    return subject;
  };
  return (first, second) => compare(known(first), known(second));
}

/** A subject with these fields only. Its records have no prototype, as a key may be called anything. */
function subjectOf(item: QueryItem, fields: readonly Field[]): FilterSubject {
  const metrics = Object.create(null) as Record<string, number>;
  const params = Object.create(null) as Record<string, string>;
  const tags = Object.create(null) as Record<string, string>;
  const attributes = Object.create(null) as Record<string, string | number>;
  let datasets: FilterSubject['datasets'];
  for (const { entity, key } of fields) {
    if (entity === 'metrics') put(metrics, key, item.metric?.(key));
    else if (entity === 'params') put(params, key, item.param?.(key));
    else if (entity === 'tags') put(tags, key, item.tag?.(key));
    else if (entity === 'attributes') put(attributes, key, item.attribute?.(key));
    else datasets ??= item.datasets?.() ?? [];
  }
  return { metrics, params, tags, attributes, ...(datasets === undefined ? {} : { datasets }) };
}

function put<V>(record: Record<string, V>, key: string, value: V | undefined): void {
  if (value !== undefined) record[key] = value;
}
