/* eslint-disable vitest/no-standalone-expect -- the class is what the test is made of */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { MlopsError } from '../../src/errors.ts';
import { MemoryObjectStore } from '../../src/storage/memory/object-store.ts';
import { Clone } from './clone.ts';
import { ProcessDied, type FaultPlan } from './faults.ts';
import { GitObjects } from './memory-git.ts';
import type { Expected } from './registry-model.ts';
import { CLONES, type CloneName } from './steps.ts';
import { filesThere, namedInVain, noteSizes, readStore, type Files } from './stored-objects.ts';

const PIECE_SIZES = [0, 60, 300, 900, 2000, 5000, 9000, 14_000, 20_000];

/** Nine contents of files: the even ones can be compressed, the odd ones can't. */
function piece(index: number): Buffer {
  const size = PIECE_SIZES[index] ?? 0;
  const parts: Buffer[] = [];
  for (let at = 0; at < size; at += 32) {
    const hash = createHash('sha256')
      .update(`${index} ${index % 2 === 0 ? at % 64 : at}`)
      .digest();
    parts.push(hash);
  }
  return Buffer.concat(parts).subarray(0, size);
}

const PIECE_BYTES = PIECE_SIZES.map((_, index) => piece(index));

/** Two clones, what they share, and what is expected of the remote. */
export class World {
  readonly remote = new MemoryObjectStore();
  readonly git = new GitObjects<Expected>();
  readonly clones = new Map<CloneName, Clone>();
  /** Keys of contents that the remote must be able to give to whoever has nothing else. */
  readonly there = new Set<string>();
  /** Sizes of the remote's objects by path, from when they were intact. */
  readonly sizes = new Map<string, number>();
  readonly #digests = new Map<string, string>();
  #marks = 0;

  static async create(): Promise<World> {
    const world = new World();
    for (const name of CLONES) world.clones.set(name, await Clone.create(name, world));
    for (const clone of world.clones.values()) clone.peer = world.other(clone);
    return world;
  }

  clone(name: CloneName): Clone {
    const clone = this.clones.get(name);
    if (clone === undefined) throw new Error(name);
    return clone;
  }

  other(clone: Clone): Clone {
    return this.clone(clone.name === 'ann' ? 'bob' : 'ann');
  }

  mark(): number {
    this.#marks += 1;
    return this.#marks;
  }

  /** What a person knows a content by: the pieces it is made of. One piece is a file, several are a directory. */
  static keyOf(pieces: readonly number[]): string {
    return pieces.toSorted((first, second) => first - second).join('+');
  }

  static filesOf(key: string): Files {
    const pieces = key.split('+').map(Number);
    const [only] = pieces;
    if (pieces.length === 1 && only !== undefined)
      return new Map([['', PIECE_BYTES[only] ?? Buffer.alloc(0)]]);
    return new Map(pieces.map((index) => [`part-${index}`, PIECE_BYTES[index] ?? Buffer.alloc(0)]));
  }

  /** Writes a content to a path. */
  static async write(key: string, path: string): Promise<void> {
    await rm(path, { recursive: true, force: true });
    for (const [name, bytes] of World.filesOf(key)) {
      const file = join(path, name);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, bytes);
    }
  }

  static async expectAt(key: string, path: string): Promise<void> {
    for (const [name, bytes] of World.filesOf(key)) {
      const found = await readFile(join(path, name));
      expect(found.equals(bytes), `${path}/${name} is not what was saved`).toBe(true);
    }
  }

  /** The same content has one digest, whoever saves it, and no two contents share one. */
  learn(key: string, digest: string): void {
    const known = this.#digests.get(key);
    expect(known ?? digest, `the digest of ${key}`).toBe(digest);
    for (const [other, theirs] of this.#digests)
      if (other !== key) expect(theirs, `the digest of ${other} and ${key}`).not.toBe(digest);
    this.#digests.set(key, digest);
  }

  digest(key: string): string {
    const digest = this.#digests.get(key);
    if (digest === undefined) throw new Error(`nobody saved ${key}`);
    return digest;
  }

  /** The contents that the remote can give in whole at this moment. */
  async intactThere(keys: Iterable<string>): Promise<Set<string>> {
    const objects = await readStore(this.remote);
    return new Set([...keys].filter((key) => isContent(key, filesThere(objects, this.digest(key)))));
  }

  /** A layout proves that what it names was there once. */
  async lookAtLayouts(): Promise<void> {
    const objects = await readStore(this.remote);
    noteSizes(objects, this.sizes);
    expect(
      namedInVain(objects, (path) => this.sizes.has(path)),
      'layouts of what was never there',
    ).toEqual([]);
  }

  /** Runs a command; when the fault strikes, runs it once more. What `command` throws without a fault is thrown. */
  async run<T>(
    clone: Clone,
    { fault, onFailure }: { fault: FaultPlan | undefined; onFailure?: () => Promise<void> },
    command: () => Promise<T>,
  ): Promise<T> {
    clone.faults.arm(fault);
    let result: { value: T } | undefined;
    try {
      result = { value: await command() };
    } catch (error) {
      const isInjected = error instanceof MlopsError || error instanceof ProcessDied;
      if (!clone.faults.struck || !isInjected) {
        clone.faults.arm(undefined);
        throw error;
      }
    }
    const died = clone.faults.isDead;
    clone.faults.arm(undefined);
    if (died) clone.restart();
    if (result !== undefined && !died) return result.value;
    await this.lookAtLayouts();
    await onFailure?.();
    return command();
  }
}

export function isContent(key: string, found: Files | undefined): boolean {
  if (found === undefined) return false;
  const wanted = World.filesOf(key);
  return (
    found.size === wanted.size &&
    [...wanted].every(([path, bytes]) => found.get(path)?.equals(bytes) === true)
  );
}

/** Undefined when it was done; else the error, which has to be one of these exit codes. */
export async function refusal(
  command: Promise<unknown>,
  ...exitCodes: readonly number[]
): Promise<MlopsError | undefined> {
  try {
    await command;
    return undefined;
  } catch (error) {
    if (!(error instanceof MlopsError) || !exitCodes.includes(error.exitCode)) throw error;
    return error;
  }
}
