import { inParallel } from '../in-parallel.ts';
import type { IndexFiles } from '../index-files.ts';
import { isNamedBy } from '../object-errors.ts';
import type { ObjectKind, ObjectStore } from '../object-store.ts';
import { sha256HexInPool } from '../digest.ts';
import { DEFAULT_JOBS, type TransferGate } from './gate.ts';
import { Layout } from './layout.ts';

/** Up to here one request an artifact or object is asked for; above, one listing answers for all. */
const FEW = 24;
/** A listing gives a thousand names a request. It is given up where asking one by one would have cost less. */
const LISTED_PER_QUESTION = 500;
const SMALL_REQUEST = 64 * 1024;

export interface RemoteViewParts {
  remote: ObjectStore;
  gate: TransferGate;
  files: IndexFiles;
}

/**
 * What a remote says of itself in this call. Presence and sizes always come from the remote, and so does the content of layouts
 * that decide what it holds (`readLayout`). Only where a layout is a hint may its content come from this machine (`layout`).
 */
export class RemoteView {
  readonly #parts: RemoteViewParts;
  /** Sizes of layouts, as listed. */
  readonly #layoutSizes = new Map<string, number>();

  constructor(parts: RemoteViewParts) {
    this.#parts = parts;
  }

  /** Names of the layouts of each of these manifests, sorted; those without any are left out. */
  async layoutNames(manifests: readonly string[]): Promise<Map<string, string[]>> {
    const wanted = new Set(manifests);
    const found = new Map<string, string[]>();
    const note = (name: string): void => {
      const manifest = name.slice(0, 64);
      if (wanted.has(manifest)) found.set(manifest, [...(found.get(manifest) ?? []), name].toSorted());
    };
    const { remote, gate } = this.#parts;
    const list = (prefix?: string): Promise<void> =>
      gate.run(SMALL_REQUEST, async () => {
        for await (const { key, size } of remote.list('layouts', prefix)) {
          note(key.name);
          this.#layoutSizes.set(key.name, size);
        }
      });
    if (wanted.size > FEW) await list();
    else await inParallel(wanted, DEFAULT_JOBS, list);
    return found;
  }

  /**
   * A layout as it is there, or as this machine remembers it from an earlier call: then it may be lost or damaged there by now. The
   * places that it tells hold all the same, since packs are named by their hashes, too.
   * @throws IntegrityError `OBJECT_MISSING`, `OBJECT_DAMAGED`
   */
  async layout(name: string): Promise<Layout> {
    const key = { kind: 'layouts', name } as const;
    const known = this.#parts.files.read(placeOf(name));
    // Of another size, what is there is something else than what is remembered.
    const isSame = known?.length === (this.#layoutSizes.get(name) ?? known?.length);
    if (known !== undefined && isSame && isNamedBy(key, await sha256HexInPool(known)))
      return Layout.decode(known, name);
    return this.readLayout(name);
  }

  /** A layout as the remote gives it out now. @throws IntegrityError `OBJECT_MISSING`, `OBJECT_DAMAGED` */
  async readLayout(name: string): Promise<Layout> {
    const { remote, gate, files } = this.#parts;
    const bytes = await gate.run(SMALL_REQUEST, () => remote.get({ kind: 'layouts', name }));
    const layout = Layout.decode(bytes, name);
    if (files.read(placeOf(name))?.equals(bytes) !== true) files.write(placeOf(name), bytes);
    return layout;
  }

  /** The bytes of a manifest as the remote gives them out now. @throws IntegrityError `OBJECT_MISSING`, `OBJECT_DAMAGED` */
  manifest(name: string): Promise<Uint8Array> {
    const { remote, gate } = this.#parts;
    return gate.run(SMALL_REQUEST, () => remote.get({ kind: 'manifests', name }));
  }

  /** Sizes of those of the objects that are there now. */
  async sizes(kind: ObjectKind, names: Iterable<string>): Promise<Map<string, number>> {
    const open = new Set(names);
    const found = new Map<string, number>();
    const { remote, gate } = this.#parts;
    if (open.size > FEW) {
      const complete = await gate.run(SMALL_REQUEST, () => this.#listInto(kind, open, found));
      if (complete) return found;
      for (const name of found.keys()) open.delete(name);
    }
    await inParallel(open, DEFAULT_JOBS, async (name) => {
      const info = await gate.run(SMALL_REQUEST, () => remote.stat({ kind, name }));
      if (info !== undefined) found.set(name, info.size);
    });
    return found;
  }

  /** False when the listing became longer than it is worth. */
  async #listInto(
    kind: ObjectKind,
    wanted: ReadonlySet<string>,
    found: Map<string, number>,
  ): Promise<boolean> {
    let listed = 0;
    for await (const { key, size } of this.#parts.remote.list(kind)) {
      if (wanted.has(key.name)) found.set(key.name, size);
      listed += 1;
      if (listed > wanted.size * LISTED_PER_QUESTION) return false;
    }
    return true;
  }
}

/** Among the index files. */
function placeOf(layout: string): string {
  return `layouts/${layout.replace('-', '')}`;
}
