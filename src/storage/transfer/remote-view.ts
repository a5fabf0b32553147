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
 * What a remote says of itself in this call. Presence and sizes always come from the remote; only the content of layouts may come
 * from this machine, since a layout is named by its hash.
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

  /** @throws IntegrityError `OBJECT_MISSING`, `OBJECT_DAMAGED` */
  async layout(name: string): Promise<Layout> {
    const { remote, gate, files } = this.#parts;
    const key = { kind: 'layouts', name } as const;
    const place = `layouts/${name.replace('-', '')}`;
    const known = files.read(place);
    // Of another size, what is there is something else than what is remembered.
    const isSame = known?.length === (this.#layoutSizes.get(name) ?? known?.length);
    if (known !== undefined && isSame && isNamedBy(key, await sha256HexInPool(known)))
      return Layout.decode(known, name);
    const bytes = await gate.run(SMALL_REQUEST, () => remote.get(key));
    const layout = Layout.decode(bytes, name);
    files.write(place, bytes);
    return layout;
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
