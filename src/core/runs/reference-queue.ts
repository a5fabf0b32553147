import { assertStillThere } from '../registry/still-there.ts';
import type { Repository } from '../repository/repository.ts';

/** Something that is about to refer to an artifact. */
interface Reference {
  /** Does it, under the lock. */
  write(): Promise<void> | void;
  /** `sha256:` digest, and whether its objects are still there; absent where `write` looks itself. */
  artifact?: { digest: string; isStillThere(): Promise<boolean> };
}

interface Waiting extends Reference {
  done(): void;
  failed(error: unknown): void;
}

/**
 * References to artifacts are written under the lock, so that `mlops gc` can't remove in between what was there when it was asked for
 * (docs/format.md section 5.8). Many clients of one process that log artifacts at the same time share one turn with the lock.
 */
export class ReferenceQueue {
  readonly #repository: Repository;
  #waiting: Waiting[] = [];
  #isAtWork = false;

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  /** @throws ConflictError `OBJECTS_COLLECTED`, `LOCKED`; what `write` throws */
  add(reference: Reference): Promise<void> {
    return new Promise((done, failed) => {
      this.#waiting.push({ ...reference, done, failed });
      if (!this.#isAtWork) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#isAtWork = true;
    while (this.#waiting.length > 0) await this.#turn();
    this.#isAtWork = false;
  }

  async #turn(): Promise<void> {
    let lock: Awaited<ReturnType<Repository['lock']['acquire']>>;
    try {
      lock = await this.#repository.lock.acquire('log artifact');
    } catch (error) {
      for (const { failed } of this.#waiting.splice(0)) failed(error);
      return;
    }
    try {
      for (const { artifact, write, done, failed } of this.#waiting.splice(0)) {
        try {
          if (artifact !== undefined) await assertStillThere(artifact.digest, () => artifact.isStillThere());
          await lock.assertHeld();
          await write();
          done();
        } catch (error) {
          failed(error);
        }
      }
    } finally {
      await lock.release();
    }
  }
}
