import { ConflictError, MlopsError, RefusedError } from '../../errors.ts';
import type { HeldLock } from '../../storage/commit-lock.ts';
import {
  encodeEvent,
  encodeRepositoryEvent,
  loadEventLog,
  type EncodedEvent,
  type EventDocument,
  type EventLog,
  type RepositoryEventDocument,
} from '../audit/index.ts';
import { assertWritable } from '../repository/format.ts';
import { gitPath } from '../repository/layout.ts';
import type { Repository } from '../repository/repository.ts';
import { findSecrets } from '../repository/secrets.ts';

/** The writes of one command. Each is durable before the next; on failure what was created is taken back. */
export interface CommitSection {
  /** A new immutable document. @throws ConflictError `ALREADY_EXISTS`; RefusedError `SECRET_FOUND` */
  create(path: string, bytes: Uint8Array): Promise<void>;
  /** Replaces a mutable document. What was created before is kept from then on, as the document may refer to it. */
  replace(path: string, bytes: Uint8Array): Promise<void>;
  /** Names a document that an earlier command wrote, and that Git may not have been told of, as part of this one. */
  adopt(path: string): void;
  /**
   * Writes an event whose parents are the model's heads as they are now.
   * @param log the model's events, if they were read since this section began and it wrote none of them
   */
  appendEvent(event: NewEvent, log?: EventLog): Promise<EncodedEvent>;
  /** Writes an event that concerns the whole repository, after these heads of `.mlops/events` as they are now. */
  appendRepositoryEvent(event: NewRepositoryEvent, heads: readonly string[]): Promise<EncodedEvent>;
  /** Removes a mutable document; false when there was none. What was created before is kept from then on. */
  remove(path: string): Promise<boolean>;
}

/** What a command says; time, actor, parents and tool are filled in. */
export type NewEvent = Pick<EventDocument, 'type' | 'subject'> &
  Partial<Pick<EventDocument, 'from' | 'to' | 'digest' | 'reason' | 'evidence' | 'changes'>>;

export type NewRepositoryEvent = Pick<RepositoryEventDocument, 'type' | 'subject'> &
  Partial<Pick<RepositoryEventDocument, 'from' | 'to' | 'digest' | 'reason' | 'evidence'>>;

export interface Committed<T> {
  result: T;
  /** Paths below the Git root that were written or adopted, in order. */
  written: readonly string[];
}

/**
 * Runs the commit section of a command under the lock. Nothing slow belongs in here: no hashing, no network.
 *
 * @throws ConflictError `LOCKED`, `LOCK_LOST`; UsageError `FORMAT_UNSUPPORTED`; RefusedError `SECRET_FOUND` for a document that holds
 * what looks like a secret; LocalIoError
 */
export async function commitSection<T>(
  repository: Repository,
  command: string,
  body: (section: CommitSection) => Promise<T>,
): Promise<Committed<T>> {
  assertWritable(repository.unknownFeatures);
  const actor = await repository.actor();
  const lock = await repository.lock.acquire(command);
  const section = new Writes(repository, lock, actor);
  try {
    const result = await body(section);
    return { result, written: [...new Set(section.written)].map(gitPath) };
  } catch (error) {
    await section.takeBack();
    throw error;
  } finally {
    await lock.release();
  }
}

class Writes implements CommitSection {
  readonly written: string[] = [];
  private created: { path: string; bytes: Uint8Array }[] = [];
  private readonly repository: Repository;
  private readonly lock: HeldLock;
  private readonly actor: string;
  /** A process may sleep for hours while its bytes are flushed, and its lock be taken away: ask again before they count. */
  private readonly whileHeld = { beforeNaming: (): Promise<void> => this.lock.assertHeld() };

  constructor(repository: Repository, lock: HeldLock, actor: string) {
    this.repository = repository;
    this.lock = lock;
    this.actor = actor;
  }

  async create(path: string, bytes: Uint8Array): Promise<void> {
    this.assertNoSecret(path, bytes);
    await this.lock.assertHeld();
    // Noted before the write: one that fails after the rename has left the file behind.
    this.created.push({ path, bytes });
    if (!(await this.repository.documents.create(path, bytes, this.whileHeld))) {
      this.created.pop();
      throw new ConflictError('ALREADY_EXISTS', `${gitPath(path)} was written by someone else meanwhile`, {
        hint: 'run the same command again',
      });
    }
    this.written.push(path);
  }

  async replace(path: string, bytes: Uint8Array): Promise<void> {
    this.assertNoSecret(path, bytes);
    await this.lock.assertHeld();
    try {
      await this.repository.documents.write(path, bytes, this.whileHeld);
    } catch (error) {
      if (await this.holds(path, bytes)) this.created = [];
      throw error;
    }
    this.created = [];
    this.written.push(path);
  }

  async appendEvent(event: NewEvent, log?: EventLog): Promise<EncodedEvent> {
    const { documents, tool } = this.repository;
    const { heads } = log ?? (await loadEventLog(documents, event.subject.model));
    const encoded = encodeEvent({
      schema: 'mlops.event/1',
      actor: this.actor,
      time: this.repository.now().toISOString(),
      parents: [...heads],
      tool,
      ...event,
      evidence: event.evidence ?? [],
    });
    await this.create(encoded.path, encoded.bytes);
    return encoded;
  }

  async appendRepositoryEvent(event: NewRepositoryEvent, heads: readonly string[]): Promise<EncodedEvent> {
    const encoded = encodeRepositoryEvent({
      schema: 'mlops.event/1',
      actor: this.actor,
      time: this.repository.now().toISOString(),
      parents: [...heads].toSorted(),
      tool: this.repository.tool,
      evidence: [],
      ...event,
    });
    await this.create(encoded.path, encoded.bytes);
    return encoded;
  }

  async remove(path: string): Promise<boolean> {
    await this.lock.assertHeld();
    const removed = await this.repository.documents.remove(path);
    this.created = [];
    return removed;
  }

  adopt(path: string): void {
    this.written.push(path);
  }

  /** Newest first, and only files that still hold the bytes we wrote while the lock is still ours. */
  async takeBack(): Promise<void> {
    try {
      for (const { path, bytes } of this.created.toReversed()) {
        await this.lock.assertHeld();
        if (await this.holds(path, bytes)) await this.repository.documents.remove(path);
      }
    } catch (error) {
      // The command already fails; what stays behind counts as nothing (docs/format.md 5.5).
      if (!(error instanceof MlopsError)) throw error;
    }
  }

  /** A pre-commit hook would find it too, but not everybody has one, and by then other documents build on this one. */
  private assertNoSecret(path: string, bytes: Uint8Array): void {
    const { allowedSecrets } = this.repository.config.hooks;
    const text = Buffer.from(bytes).toString('utf8');
    const found = findSecrets(text).find(({ fingerprint }) => !allowedSecrets.includes(fingerprint));
    if (found === undefined) return;
    const key = /^\s*"((?:[^"\\]|\\.){1,60})":/.exec(text.split('\n')[found.line - 1] ?? '')?.[1];
    const place = key === undefined ? '' : `"${key}" of `;
    throw new RefusedError(
      'SECRET_FOUND',
      `${place}${gitPath(path)} would hold what looks like ${found.kind}, and what is committed once stays in the history; nothing was written`,
      {
        hint: `run the command again without it; if it is no secret: mlops config set hooks.allowedSecrets ${[...allowedSecrets, found.fingerprint].join(',')}`,
      },
    );
  }

  private async holds(path: string, bytes: Uint8Array): Promise<boolean> {
    const found = await this.repository.documents.read(path);
    return found !== undefined && Buffer.compare(found, bytes) === 0;
  }
}
