/** Counts what an import does not take, by kind, with the first example of each. */
export class LeftOut {
  readonly #found = new Map<string, { count: number; example: string }>();

  add(what: string, example: string, count = 1): void {
    if (count === 0) return;
    const known = this.#found.get(what);
    if (known === undefined) this.#found.set(what, { count, example });
    else known.count += count;
  }

  list(): { what: string; count: number; example: string }[] {
    return [...this.#found].map(([what, found]) => ({ what, ...found }));
  }
}

/** The tag that is the name of a run, which the store keeps as such. */
export function isSystemTag(kind: 'params' | 'tags', key: string): boolean {
  return kind === 'tags' && key === 'mlflow.runName';
}
