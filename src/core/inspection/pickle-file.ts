import { createGunzip, createInflate, constants } from 'node:zlib';
import { streamOf, type ByteStream } from './byte-stream.ts';
import { inflated } from './inflated.ts';
import { newDraft, settle, type Draft } from './inspection.ts';
import { describePickle } from './pickle/describe.ts';
import { readPickles, type PickleReport } from './pickle/read-pickle.ts';
import { slice, type RandomAccess } from './random-access.ts';

export type Compression = 'gzip' | 'zlib' | 'zfile' | 'bz2' | 'xz' | 'lzma' | 'lz4';

const PROBE_INSTRUCTIONS = 20_000;
/** Header of joblib before 0.10: `ZF` and the length as 19 characters of hexadecimal text. */
const ZFILE_HEADER = 21;

/** Reads a bare pickle or joblib file. */
export async function inspectPickle(source: RandomAccess): Promise<Draft> {
  return settle(newDraft('pickle', 'unknown'), async (draft) => {
    const report = await readPickles(streamOf(source));
    if (report.arrays > 0) draft.name = 'joblib';
    describePickle(draft, report);
  });
}

/** Reads the pickle in a compressed file as joblib writes it; other content is named by its compression alone. */
export async function inspectCompressed(source: RandomAccess, compression: Compression): Promise<Draft> {
  return settle(newDraft('compressed', 'unknown'), async (draft) => {
    draft.details['compression'] = compression;
    const stream = decompress(source, compression);
    if (stream === undefined) {
      draft.warnings.push(`not fully read: ${compression} compression is recognised but not decompressed`);
      return;
    }
    await stream.fill(2);
    const first = stream.view.subarray(0, 2);
    const report = await readPickles(stream);
    const startsAsPickle = first[0] === 0x80 && (first[1] ?? 255) <= 5;
    if (!startsAsPickle && !isPlausible(report) && report.problem?.message.startsWith("can't be") !== true)
      return;
    draft.name = report.arrays > 0 || compression === 'zfile' || compression === 'zlib' ? 'joblib' : 'pickle';
    describePickle(draft, report);
  });
}

function decompress(source: RandomAccess, compression: Compression): ByteStream | undefined {
  // A flush at the end accepts cut-off content: the pickle reader tells what is missing.
  const options = { finishFlush: constants.Z_SYNC_FLUSH };
  if (compression === 'gzip') return inflated(source, createGunzip(options));
  if (compression === 'zlib') return inflated(source, createInflate(options));
  if (compression !== 'zfile') return undefined;
  return inflated(slice(source, ZFILE_HEADER, source.size - ZFILE_HEADER), createInflate(options));
}

/** Pickles of protocol 0 and 1 have no magic bytes: content counts as one when it can be read as one. */
export async function probePickle(source: RandomAccess): Promise<PickleReport | undefined> {
  const report = await readPickles(streamOf(source), { maxInstructions: PROBE_INSTRUCTIONS, maxPickles: 1 });
  return isPlausible(report) ? report : undefined;
}

/** A complete pickle that never takes from an empty stack, or one that gets as far as a call: calls happen before STOP. */
function isPlausible(report: PickleReport): boolean {
  if (report.results.length > 0 && !report.findings.inconsistent) return true;
  return [...report.findings.calls].some((name) =>
    /^[A-Za-z_][A-Za-z0-9_.]*\.[A-Za-z_][A-Za-z0-9_.]*$/.test(name),
  );
}
