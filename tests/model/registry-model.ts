/** What a stage or tracked data points to. Every move has a mark of its own, as every pointer names an event of its own. */
export interface Pointed {
  /** A version's label, or the content of tracked data. */
  readonly to: string;
  /** Key of the content that it keeps. */
  readonly content: string;
  readonly mark: number;
}

/** What the documents of a work tree or of a commit say, in plain maps. Immutable: commits share it. */
export interface Expected {
  /** Key of the content of each version, deleted ones included, by label. */
  readonly versions: ReadonlyMap<string, string>;
  readonly deleted: ReadonlySet<string>;
  readonly stages: ReadonlyMap<string, Pointed>;
  readonly data: ReadonlyMap<string, Pointed>;
}

export const NOTHING: Expected = {
  versions: new Map(),
  deleted: new Set(),
  stages: new Map(),
  data: new Map(),
};

export function withEntry<K, V>(map: ReadonlyMap<K, V>, key: K, value: V): ReadonlyMap<K, V> {
  return new Map([...map, [key, value]]);
}

/** Versions that were not deleted: label and key of the content. */
export function live({ versions, deleted }: Expected): [label: string, content: string][] {
  return [...versions].filter(([label]) => !deleted.has(label));
}

/** Contents that a push of these documents has to bring away. */
export function sent(state: Expected): string[] {
  return [...new Set([...live(state).map(([, content]) => content), ...contents(state.data)])];
}

/** Contents that gc has to leave alone because of these documents: a stage keeps also what was deleted on another branch. */
export function kept(state: Expected): string[] {
  return [...sent(state), ...contents(state.stages)];
}

function contents(pointers: ReadonlyMap<string, Pointed>): string[] {
  return [...pointers.values()].map(({ content }) => content);
}

/** What merging the documents makes of it, with ours where both sides moved a pointer. */
export function merge(base: Expected, ours: Expected, theirs: Expected): Expected {
  return {
    versions: new Map([...theirs.versions, ...ours.versions]),
    deleted: new Set([...ours.deleted, ...theirs.deleted]),
    stages: mergePointers(base.stages, ours.stages, theirs.stages),
    data: mergePointers(base.data, ours.data, theirs.data),
  };
}

function mergePointers(
  base: ReadonlyMap<string, Pointed>,
  ours: ReadonlyMap<string, Pointed>,
  theirs: ReadonlyMap<string, Pointed>,
): ReadonlyMap<string, Pointed> {
  const merged = new Map(ours);
  for (const [name, their] of theirs) {
    const isTheirs = base.get(name)?.mark !== their.mark && base.get(name)?.mark === ours.get(name)?.mark;
    if (isTheirs) merged.set(name, their);
  }
  return merged;
}
