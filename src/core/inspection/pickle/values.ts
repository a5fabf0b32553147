/**
 * What the machine knows about a value. Only what names an import, a class or an array's extent is kept; everything else is
 * `other`. Values are shared, never copied or expanded, so self-multiplying pickles cost nothing.
 */
export type Value =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'number'; readonly number: number }
  | { readonly kind: 'tuple'; readonly items: readonly Value[] }
  | { readonly kind: 'dict'; readonly entries: Map<string, Value> }
  | { readonly kind: 'global'; readonly global: string }
  | { readonly kind: 'object'; readonly callee: Value; readonly arguments: Value; state?: Value }
  | { readonly kind: 'other'; readonly type: string };

/** What a pickle names, collected over all its parts. */
export interface Findings {
  /** `module.name` of every import, up to 10,000. */
  imports: Set<string>;
  /** Imports whose name holds a dot, as `module:name`: attribute paths that reach anything. */
  attributePaths: Set<string>;
  /** Imports that are called. */
  calls: Set<string>;
  /** `_sklearn_version` and similar state entries. */
  versions: Map<string, string>;
  /** STACK_GLOBAL whose operands are not plain strings. */
  unresolvedImports: number;
  /** EXT1, EXT2 and EXT4: imports by a registered number. */
  extensionCodes: number;
  persistentIds: number;
  /** The pickle takes from an empty stack or an unset memo; Python's loader would stop there. */
  inconsistent: boolean;
}

export function newFindings(): Findings {
  return {
    imports: new Set(),
    attributePaths: new Set(),
    calls: new Set(),
    versions: new Map(),
    unresolvedImports: 0,
    extensionCodes: 0,
    persistentIds: 0,
    inconsistent: false,
  };
}
