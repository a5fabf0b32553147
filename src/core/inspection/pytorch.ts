import type { Draft } from './inspection.ts';
import { streamOf } from './byte-stream.ts';
import { newDraft, settle } from './inspection.ts';
import { describePickle, warnOfImports } from './pickle/describe.ts';
import { classOf } from './pickle/class-of.ts';
import { readPickles, warnOfStructure, type PickleReport } from './pickle/read-pickle.ts';
import { printable } from './printable.ts';
import type { RandomAccess } from './random-access.ts';
import { readEntryBytes, streamEntry, type ZipArchive } from './zip-reader.ts';

const MAX_PICKLE_ENTRIES = 64;
/** Magic number, protocol version, system information, object, storage keys: then come raw tensors. */
const LEGACY_PICKLES = 5;
const LEGACY_OBJECT = 3;

/** The pickled magic number 0x1950a86a20f9469cfc6c that starts a file of `torch.save` before version 1.6. */
export const LEGACY_MAGIC = Buffer.from('80028a0a6cfc9c46f9206aa850192e', 'hex');

/** Reads all pickles in an archive of `torch.save` or TorchScript; tensors are not read. */
export async function readTorchZip(draft: Draft, archive: ZipArchive): Promise<void> {
  const { entries } = archive;
  const main = entries.find((entry) => /(?:^|\/)data\.pkl$/.test(entry.name));
  const isScript = entries.some((entry) => /(?:^|\/)(?:constants\.pkl$|code\/)/.test(entry.name));
  draft.details['kind'] = isScript ? 'TorchScript' : 'checkpoint';
  draft.details['storages'] = entries.filter((entry) => /(?:^|\/)data\/[0-9]+$/.test(entry.name)).length;
  const version = entries.find((entry) => /^[^/]*\/?version$/.test(entry.name));
  if (version !== undefined) {
    draft.details['formatVersion'] = printable(
      (await readEntryBytes(archive, version, 64)).toString('utf8').trim(),
    );
  }
  if (main !== undefined) {
    const report = await readPickles(await streamEntry(archive, main));
    describePickle(draft, report);
    draft.details['content'] = contentOf(report, 0);
  }
  const others = entries.filter((entry) => entry.name.endsWith('.pkl') && entry !== main);
  for (const entry of others.slice(0, MAX_PICKLE_ENTRIES)) {
    const report = await readPickles(await streamEntry(archive, entry));
    if (!isScript) draft.warnings.push(`a further pickle ${printable(entry.name)} is in the archive`);
    warnOfImports(draft, report);
    warnOfStructure(draft, report);
  }
  if (others.length > MAX_PICKLE_ENTRIES)
    draft.warnings.push(`not fully read: ${others.length} further pickles in the archive`);
}

/** Reads the five pickles of a legacy `torch.save` file; the tensors behind them are not read. */
export async function inspectLegacyTorch(source: RandomAccess): Promise<Draft> {
  return settle(newDraft('pytorch-legacy', 'torch'), async (draft) => {
    const report = await readPickles(streamOf(source), { maxPickles: LEGACY_PICKLES });
    const object = report.results[LEGACY_OBJECT];
    describePickle(draft, { ...report, results: object === undefined ? [] : [object] });
    draft.details['content'] = contentOf(report, LEGACY_OBJECT);
    if (report.results.length < LEGACY_PICKLES) {
      draft.warnings.push(
        `malformed pytorch-legacy content: ${report.results.length} of ${LEGACY_PICKLES} pickles are complete`,
      );
    }
  });
}

/** A dictionary of tensors, or an object whose class is imported when the file is loaded. */
function contentOf(report: PickleReport, index: number): string {
  const result = report.results[index];
  const name = result === undefined ? undefined : classOf(result);
  if (name === 'collections.OrderedDict') return 'state_dict';
  return name === 'builtins.dict' ? 'dict' : 'object';
}
