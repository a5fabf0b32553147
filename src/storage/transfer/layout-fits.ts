import { IntegrityError } from '../../errors.ts';
import type { Manifest, ManifestFile } from '../manifest.ts';
import { objectPath } from '../object-errors.ts';
import type { Layout } from './layout.ts';

/** A layout of this very manifest: as many blobs, and files of the sizes that it says. @throws IntegrityError `OBJECT_DAMAGED` */
export function assertFits(layout: Layout, { files }: Manifest, ids: ReadonlySet<string>): void {
  const path = objectPath({ kind: 'layouts', name: layout.name });
  const fail = (problem: string): never => {
    throw new IntegrityError('OBJECT_DAMAGED', `${path}: ${problem}`);
  };
  if (layout.count !== ids.size) fail(`it places ${layout.count} blobs of ${ids.size}`);
  const lengths = new Map<string, number>();
  let index = 0;
  for (const id of ids) {
    lengths.set(id, layout.locate(index, id).length);
    index += 1;
  }
  const sizeOf = ({ blobs }: ManifestFile): number =>
    blobs.reduce((sum, id) => sum + (lengths.get(id) ?? 0), 0);
  if (files.some((file) => sizeOf(file) !== file.size))
    fail('its blobs do not make the files of the manifest');
}
