import { newDraft, settle, type Draft } from './inspection.ts';
import { readKeras } from './keras.ts';
import { readNpyHeader, warnOfObjects } from './npy.ts';
import { printable } from './printable.ts';
import { readTorchZip } from './pytorch.ts';
import { bytesSource, type RandomAccess } from './random-access.ts';
import { readZip, streamEntry, type ZipArchive } from './zip-reader.ts';

const MAX_ARRAYS = 50;
const NPY_HEAD = 66_000;

/** Tells the models that are zip archives apart by their entries: PyTorch, Keras 3, `.npz`. */
export async function inspectZip(source: RandomAccess): Promise<Draft> {
  return settle(newDraft('zip', 'unknown'), async (draft) => {
    const archive = await readZip(source);
    try {
      await readArchive(draft, archive);
    } finally {
      draft.warnings.push(...archive.anomalies.map((anomaly) => `damaged or crafted archive: ${anomaly}`));
    }
  });
}

async function readArchive(draft: Draft, archive: ZipArchive): Promise<void> {
  const names = archive.entries.map((entry) => entry.name);
  if (names.some((name) => /(?:^|\/)(?:data|constants)\.pkl$/.test(name))) {
    Object.assign(draft, { name: 'pytorch', framework: 'torch' });
    await readTorchZip(draft, archive);
  } else if (
    names.includes('config.json') &&
    names.some((name) => name === 'metadata.json' || name.endsWith('.weights.h5'))
  ) {
    Object.assign(draft, { name: 'keras', framework: 'keras' });
    await readKeras(draft, archive);
  } else if (names.length > 0 && names.every((name) => name.endsWith('.npy'))) {
    Object.assign(draft, { name: 'npz', framework: 'numpy' });
    await readNpz(draft, archive);
  } else draft.details['entries'] = names.length;
}

async function readNpz(draft: Draft, archive: ZipArchive): Promise<void> {
  const arrays: { name: string; dtype: string; shape: number[] }[] = [];
  draft.details['arrays'] = archive.entries.length;
  for (const entry of archive.entries.slice(0, MAX_ARRAYS)) {
    const stream = await streamEntry(archive, entry);
    await stream.fill(NPY_HEAD);
    const header = await readNpyHeader(bytesSource(stream.view));
    arrays.push({
      name: printable(entry.name.slice(0, -4)),
      dtype: printable(header.dtype),
      shape: header.shape,
    });
    if (!header.hasObjects) continue;
    stream.advance(header.dataOffset);
    await warnOfObjects(draft, stream);
  }
  draft.details['contents'] = arrays;
  if (archive.entries.length > MAX_ARRAYS)
    draft.warnings.push(`not fully read: only ${MAX_ARRAYS} arrays were looked at`);
}
