/** What a filter or a sort order can be about: the flattened view of one version or run. */
export interface FilterSubject {
  metrics: Readonly<Record<string, number>>;
  params: Readonly<Record<string, string>>;
  tags: Readonly<Record<string, string>>;
  /** Whatever else it has, under its JSON name; undefined when it has none. */
  attributes: Readonly<Record<string, string | number | undefined>>;
  /** One entry a data set, with members such as `name`, `digest` and `role`. */
  datasets?: readonly Readonly<Record<string, string>>[];
}

export type Entity = 'metrics' | 'params' | 'tags' | 'attributes' | 'datasets';

/**
 * How an attribute compares. A `time` is RFC 3339 text in UTC of a fixed width, whose alphabetical order is that of time,
 * so it may be given shortened: `createdAt >= '2026-11'`.
 */
export type AttributeKind = 'string' | 'number' | 'time';

export interface QueryOptions {
  /**
   * The attributes that subjects have. With it an unknown name is an error with the nearest one as a hint; without it
   * every name is accepted and compares by the type of its value.
   */
  attributes?: Readonly<Record<string, AttributeKind>>;
  /** Other names of attributes, such as `created` for `createdAt`. */
  aliases?: Readonly<Record<string, string>>;
}

/** One side of a comparison: `metrics.accuracy`. */
export interface Field {
  entity: Entity;
  key: string;
}

/** The subject's value under `field`; undefined where it has none, and for data sets, which have many. */
export function valueOf(subject: FilterSubject, field: Field): string | number | undefined {
  if (field.entity === 'datasets') return undefined;
  return ownValue<string | number | undefined>(subject[field.entity], field.key);
}

/** A member that the object itself has: a key such as `constructor` must not reach its prototype. */
export function ownValue<T>(members: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(members, key) ? members[key] : undefined;
}
