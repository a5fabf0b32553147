import { createHash } from 'node:crypto';
import { brotliDecompressSync } from 'node:zlib';
import type { MemoryObjectStore } from '../../src/storage/memory/object-store.ts';

/** What a store holds, read by docs/format.md section 6 alone and by none of the product's code. */
export interface StoredObjects {
  readonly packs: ReadonlyMap<string, Buffer>;
  readonly manifests: ReadonlyMap<string, Buffer>;
  readonly layouts: ReadonlyMap<string, Buffer>;
}

/** Content of each file, by manifest path. */
export type Files = ReadonlyMap<string, Buffer>;

interface ManifestDocument {
  files: readonly { path: string; size: number; sha256: string; blobs?: readonly string[] }[];
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export async function readStore(store: MemoryObjectStore): Promise<StoredObjects> {
  const found = {
    packs: new Map<string, Buffer>(),
    manifests: new Map<string, Buffer>(),
    layouts: new Map(),
  };
  for (const kind of ['packs', 'manifests', 'layouts'] as const) {
    for await (const { key, size } of store.list(kind)) {
      // A range is not hashed, so damage shows here.
      found[kind].set(key.name, Buffer.from(await store.get(key, { offset: 0, length: size })));
    }
  }
  return found;
}

/** Paths of the objects whose bytes are not what their names say. */
export function damagedObjects({ packs, manifests, layouts }: StoredObjects): string[] {
  return [
    ...[...packs].filter(([name, bytes]) => sha256(bytes) !== name).map(([name]) => `packs/${name}`),
    ...[...manifests].filter(([name, bytes]) => sha256(bytes) !== name).map(([name]) => `manifests/${name}`),
    ...[...layouts]
      .filter(([name, bytes]) => !isLayoutIntact(name, bytes))
      .map(([name]) => `layouts/${name}`),
  ];
}

function isLayoutIntact(name: string, bytes: Buffer): boolean {
  return name.endsWith(`-${sha256(bytes).slice(0, 16)}`);
}

/** Packs never change under their name, so the blobs of the same bytes are read once. */
const blobsOfPack = new Map<string, ReadonlyMap<string, Buffer>>();

function blobsIn(name: string, pack: Buffer): ReadonlyMap<string, Buffer> {
  if (sha256(pack) !== name) return new Map();
  const known = blobsOfPack.get(name);
  if (known !== undefined) return known;
  const blobs = new Map<string, Buffer>();
  const count = pack.readUInt32LE(pack.length - 16);
  const table = pack.length - 16 - count * 49;
  for (let index = 0; index < count; index += 1) {
    const at = table + index * 49;
    const offset = Number(pack.readBigUInt64LE(at + 32));
    const stored = pack.subarray(offset, offset + pack.readUInt32LE(at + 40));
    const id = pack.toString('hex', at, at + 32);
    const blob = decoded(stored, pack.readUInt8(at + 48));
    if (blob !== undefined && sha256(blob) === id) blobs.set(id, blob);
  }
  blobsOfPack.set(name, blobs);
  return blobs;
}

function decoded(stored: Buffer, encoding: number): Buffer | undefined {
  if (encoding === 0) return stored;
  try {
    return brotliDecompressSync(stored);
  } catch {
    return undefined;
  }
}

function manifestOf({ manifests }: StoredObjects, digest: string): ManifestDocument | undefined {
  const name = digest.replace('sha256:', '');
  const bytes = manifests.get(name);
  if (bytes === undefined || sha256(bytes) !== name) return undefined;
  return JSON.parse(bytes.toString('utf8')) as ManifestDocument;
}

function blobIds({ size, sha256: hash, blobs }: ManifestDocument['files'][number]): readonly string[] {
  return blobs ?? (size === 0 ? [] : [hash]);
}

/** The files of an artifact, put together from whole and intact packs; undefined when anything of it is missing. */
export function filesHere(objects: StoredObjects, digest: string): Files | undefined {
  const blobs = [...objects.packs].map(([name, pack]) => blobsIn(name, pack));
  return assemble(manifestOf(objects, digest), (id) => blobs.find((each) => each.has(id))?.get(id));
}

function assemble(
  manifest: ManifestDocument | undefined,
  find: (id: string) => Buffer | undefined,
): Files | undefined {
  if (manifest === undefined) return undefined;
  const files = new Map<string, Buffer>();
  for (const file of manifest.files) {
    const parts = blobIds(file).map(find);
    if (parts.includes(undefined)) return undefined;
    const bytes = Buffer.concat(parts.filter((part) => part !== undefined));
    if (bytes.length !== file.size || sha256(bytes) !== file.sha256) return undefined;
    files.set(file.path, bytes);
  }
  return files;
}

interface LayoutDocument {
  packs: { name: string; size: number }[];
  blobs: { pack: string; offset: number; storedLength: number; encoding: number }[];
}

function parseLayout(bytes: Buffer): LayoutDocument {
  const packCount = bytes.readUInt32LE(40);
  const blobCount = bytes.readUInt32LE(44);
  const packs = Array.from({ length: packCount }, (_, index) => {
    const at = 48 + index * 36;
    return { name: bytes.toString('hex', at, at + 32), size: bytes.readUInt32LE(at + 32) };
  });
  const start = 48 + packCount * 36;
  const blobs = Array.from({ length: blobCount }, (_, index) => {
    const at = start + index * 17;
    return {
      pack: packs[bytes.readUInt32LE(at)]?.name ?? '',
      offset: bytes.readUInt32LE(at + 4),
      storedLength: bytes.readUInt32LE(at + 8),
      encoding: bytes.readUInt8(at + 16),
    };
  });
  return { packs, blobs };
}

/** The layouts of an artifact that hash to their names. */
function layoutsOf({ layouts }: StoredObjects, digest: string): LayoutDocument[] {
  const prefix = `${digest.replace('sha256:', '')}-`;
  return [...layouts]
    .filter(([name, bytes]) => name.startsWith(prefix) && isLayoutIntact(name, bytes))
    .map(([, bytes]) => parseLayout(bytes));
}

/**
 * The files of an artifact as whoever has nothing but this remote gets them: manifest, layouts, ranges of packs that have the size
 * which the layout says. Undefined when anything of it is missing or damaged.
 */
export function filesThere(objects: StoredObjects, digest: string): Files | undefined {
  const manifest = manifestOf(objects, digest);
  if (manifest === undefined) return undefined;
  const ids = [...new Set(manifest.files.flatMap(blobIds))];
  const blobs = new Map<string, Buffer>();
  for (const layout of layoutsOf(objects, digest)) {
    const sizes = new Map(layout.packs.map(({ name, size }) => [name, size]));
    for (const [index, { pack, offset, storedLength, encoding }] of layout.blobs.entries()) {
      const bytes = objects.packs.get(pack);
      const id = ids[index];
      if (bytes === undefined || id === undefined || bytes.length !== sizes.get(pack)) continue;
      const blob = decoded(bytes.subarray(offset, offset + storedLength), encoding);
      if (blob !== undefined && sha256(blob) === id) blobs.set(id, blob);
    }
  }
  return assemble(manifest, (id) => blobs.get(id));
}

/** Sizes of objects by path, as they were when they were intact. */
export type Sizes = ReadonlyMap<string, number>;

/**
 * Whether names and sizes say that an artifact is there: the manifest, and a layout with every pack that it names. A layout that
 * only rotted in its place may say anything.
 */
export function seemsComplete(objects: StoredObjects, digest: string, sizes: Sizes): boolean {
  const hex = digest.replace('sha256:', '');
  const manifest = objects.manifests.get(hex);
  if (manifest === undefined || manifest.length !== sizes.get(`manifests/${hex}`)) return false;
  return [...objects.layouts].some(([name, bytes]) => {
    if (!name.startsWith(hex) || bytes.length !== sizes.get(`layouts/${name}`)) return false;
    if (!isLayoutIntact(name, bytes)) return true;
    return parseLayout(bytes).packs.every((pack) => objects.packs.get(pack.name)?.length === pack.size);
  });
}

/** Adds the sizes of what is intact. */
export function noteSizes(objects: StoredObjects, sizes: Map<string, number>): void {
  const damaged = new Set(damagedObjects(objects));
  for (const kind of ['packs', 'manifests', 'layouts'] as const) {
    for (const [name, { length }] of objects[kind])
      if (!damaged.has(`${kind}/${name}`)) sizes.set(`${kind}/${name}`, length);
  }
}

/** What the intact layouts name, each as `<layout> names <path>`, but for what `isThere` knows. */
export function namedInVain({ layouts }: StoredObjects, isThere: (path: string) => boolean): string[] {
  return [...layouts]
    .filter(([name, bytes]) => isLayoutIntact(name, bytes))
    .flatMap(([name, bytes]) => {
      const paths = [
        `manifests/${name.slice(0, 64)}`,
        ...parseLayout(bytes).packs.map((pack) => `packs/${pack.name}`),
      ];
      return paths.filter((path) => !isThere(path)).map((path) => `${name} names ${path}`);
    });
}
