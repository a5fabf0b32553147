import type { Transferred, TransferProgress } from '../artifact-transfer.ts';
import { objectPath } from '../object-errors.ts';
import type { ObjectKey } from '../object-store.ts';

/** Counts objects, each once, and bytes, and tells how far it got. */
export class Tally {
  readonly #objects = new Map<string, { size: number; moved: boolean }>();
  readonly #changed = new Set<string>();
  readonly #progress: TransferProgress;
  #planned = 0;
  #moved = 0;

  constructor(progress: TransferProgress) {
    this.#progress = progress;
  }

  /** An object that the artifacts need and that is where it should be. Does not take back that it was moved. */
  present(key: ObjectKey, size: number): void {
    const path = objectPath(key);
    if (!this.#objects.has(path)) this.#objects.set(path, { size, moved: false });
  }

  /** So many more bytes will be moved. */
  plan(bytes: number): void {
    this.#planned += bytes;
    this.#tell();
  }

  /** An object, or ranges of it, was moved, or would be in a dry run. */
  moved(key: ObjectKey, size: number): void {
    const path = objectPath(key);
    const known = this.#objects.get(path);
    this.#objects.set(path, { size: known?.moved === true ? known.size + size : size, moved: true });
  }

  /** Progress alone. */
  advance(bytes: number): void {
    this.#moved += bytes;
    this.#tell();
  }

  changed(digest: string): void {
    this.#changed.add(digest);
  }

  get result(): Transferred {
    const objects = [...this.#objects.values()];
    const transferred = objects.filter(({ moved }) => moved);
    const sum = (items: typeof objects): number => items.reduce((bytes, { size }) => bytes + size, 0);
    return {
      objects: {
        total: objects.length,
        transferred: transferred.length,
        skipped: objects.length - transferred.length,
      },
      bytes: { total: sum(objects), transferred: sum(transferred) },
      changed: [...this.#changed],
      absent: [],
    };
  }

  #tell(): void {
    this.#progress.onProgress?.({ bytes: this.#moved, totalBytes: Math.max(this.#planned, this.#moved) });
  }
}
