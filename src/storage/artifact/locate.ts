import { readPackTable } from '../blob-index.ts';
import { digestOf } from '../digest.ts';
import type { LocatedObject } from '../garbage.ts';
import type { ObjectInfo, ObjectStore } from '../object-store.ts';
import { distinctBlobs, readManifest } from './parts.ts';

/** See `GarbageCollector.locate`. */
export async function locateObjects(objects: ObjectStore, prefix: string): Promise<LocatedObject[]> {
  const blobs = new Map<string, BlobPlace>();
  const packs: { info: ObjectInfo; ids: readonly string[] }[] = [];
  for await (const info of objects.list('packs')) {
    const table = await readPackTable(objects, info.key, info.size);
    if (info.key.name.startsWith(prefix)) packs.push({ info, ids: table.map(({ id }) => id) });
    for (const { id, storedLength } of table) {
      if (!id.startsWith(prefix)) continue;
      const place = blobs.get(id) ?? newPlace(storedLength, info.modified);
      place.packs.push(info.key.name);
      blobs.set(id, place);
    }
  }
  const wanted = new Map<string, string[]>();
  for (const { ids } of packs) for (const id of ids) wanted.set(id, []);
  const manifests: ObjectInfo[] = [];
  for await (const info of objects.list('manifests')) {
    if (info.key.name.startsWith(prefix)) manifests.push(info);
    const digest = digestOf(info.key.name);
    for (const id of distinctBlobs((await readManifest(objects, digest)).manifest)) {
      wanted.get(id)?.push(digest);
      if (!id.startsWith(prefix)) continue;
      const place = blobs.get(id) ?? newPlace(0, undefined);
      place.artifacts.push(digest);
      blobs.set(id, place);
    }
  }
  return [
    ...manifests.map(({ key, size, modified }): LocatedObject => {
      return { kind: 'manifest', name: key.name, size, modified, packs: [], artifacts: [digestOf(key.name)] };
    }),
    ...packs.map(({ info: { key, size, modified }, ids }): LocatedObject => {
      const artifacts = [...new Set(ids.flatMap((id) => wanted.get(id) ?? []))].toSorted();
      return { kind: 'pack', name: key.name, size, modified, packs: [], artifacts };
    }),
    ...[...blobs].map(([name, place]): LocatedObject => ({ kind: 'blob', name, ...place })),
  ];
}

interface BlobPlace {
  size: number;
  modified: number | undefined;
  packs: string[];
  artifacts: string[];
}

function newPlace(size: number, modified: number | undefined): BlobPlace {
  return { size, modified, packs: [], artifacts: [] };
}
