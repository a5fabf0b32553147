import { inspectCatboost } from './catboost.ts';
import { inspectGguf } from './gguf.ts';
import { newDraft, settle, type Draft } from './inspection.ts';
import { inspectHdf5 } from './keras.ts';
import { inspectLightgbm } from './lightgbm.ts';
import { inspectNpy } from './npy.ts';
import { inspectOnnx } from './onnx.ts';
import { inspectCompressed, inspectPickle, probePickle, type Compression } from './pickle-file.ts';
import { judgeImport } from './pickle/imports.ts';
import { printable } from './printable.ts';
import { ProtobufReader } from './protobuf.ts';
import { inspectLegacyTorch, LEGACY_MAGIC } from './pytorch.ts';
import { buffered, head, type RandomAccess } from './random-access.ts';
import { inspectSafetensors, looksLikeSafetensors } from './safetensors.ts';
import { inspectSavedModel } from './tensorflow.ts';
import { inspectXgboostJson, inspectXgboostUbj } from './xgboost.ts';
import { inspectZip } from './zip-model.ts';
import { OPCODES } from './pickle/opcodes.ts';

const HEAD = 4096;

/** Recognises one file by its bytes and reads it; its name plays no part. */
export async function inspectContent(source: RandomAccess): Promise<Draft> {
  const start = await head(source, HEAD);
  const draft = (await inspectByMagic(source, start)) ?? (await inspectWithoutMagic(source, start));
  const isPickle = ['pickle', 'joblib', 'pytorch-legacy'].includes(draft.name);
  if (!isPickle && OPCODES.has(start[0] ?? 0)) await warnOfPolyglot(draft, source);
  return draft;
}

async function inspectByMagic(source: RandomAccess, start: Buffer): Promise<Draft | undefined> {
  const begins = (magic: string): boolean => start.subarray(0, magic.length).toString('latin1') === magic;
  if (looksLikeSafetensors(start)) return inspectSafetensors(source);
  if (begins('GGUF')) return inspectGguf(source);
  if (begins('PK\x03\x04') || begins('PK\x05\x06')) return inspectZip(source);
  if (begins('\x89HDF\r\n\x1a\n')) return inspectHdf5(source);
  if (begins('\x93NUMPY')) return inspectNpy(source);
  if (begins('CBM1')) return inspectCatboost(source);
  if (start.subarray(0, LEGACY_MAGIC.length).equals(LEGACY_MAGIC)) return inspectLegacyTorch(source);
  const compression = compressionOf(start, begins);
  if (compression !== undefined) return inspectCompressed(source, compression);
  if (start[0] === 0x80) return inspectPickle(source);
  return undefined;
}

function compressionOf(start: Buffer, begins: (magic: string) => boolean): Compression | undefined {
  if (begins('\x1f\x8b')) return 'gzip';
  if (start[0] === 0x78 && start.length > 2 && start.readUInt16BE(0) % 31 === 0) return 'zlib';
  if (begins('ZF0x')) return 'zfile';
  if (/^BZh[1-9]1AY&SY/.test(start.subarray(0, 10).toString('latin1'))) return 'bz2';
  if (begins('\xfd7zXZ\0')) return 'xz';
  if (begins('\x5d\0\0')) return 'lzma';
  return begins('\x04\x22\x4d\x18') ? 'lz4' : undefined;
}

async function inspectWithoutMagic(source: RandomAccess, start: Buffer): Promise<Draft> {
  const text = start.toString('latin1');
  if (/^tree\r?\nversion=/.test(text)) return inspectLightgbm(source);
  if (text.startsWith('{')) {
    // Any settings file may start with "version"; that of XGBoost is a list of three numbers.
    if (/^\{\s*"(?:learner"\s*:|version"\s*:\s*\[\s*\d+\s*,\s*\d+\s*,\s*\d+\s*\])/.test(text))
      return inspectXgboostJson(source);
    if (/^\{(?:[iUIl])[\0-\x20]{1,8}(?:learner|version)|^\{L\0{7}\x07(?:learner|version)/.test(text))
      return inspectXgboostUbj(source);
    return newDraft('unknown', 'unknown');
  }
  if (start[0] === 0x08) {
    const kind = await protobufKind(source);
    if (kind === 'onnx') return inspectOnnx(source);
    if (kind === 'savedmodel') return inspectSavedModel(source);
  }
  if (OPCODES.has(start[0] ?? 0) && (await probePickle(source)) !== undefined) return inspectPickle(source);
  return newDraft('unknown', 'unknown');
}

/** Wire types of the fields of ONNX's ModelProto. */
const ONNX_FIELDS: ReadonlyMap<number, number> = new Map([
  [1, 0],
  [2, 2],
  [3, 2],
  [4, 2],
  [5, 0],
  [6, 2],
  [7, 2],
  [8, 2],
  [14, 2],
  [20, 2],
  [25, 2],
  [26, 2],
]);

/** Neither ONNX nor SavedModel has magic bytes: they are told apart by which fields their first message has. */
async function protobufKind(source: RandomAccess): Promise<'onnx' | 'savedmodel' | undefined> {
  const seen = new Set<number>();
  let fitsOnnx = true;
  const walk = newDraft('protobuf', 'unknown');
  await settle(walk, async () => {
    const reader = new ProtobufReader(buffered(source), 10_000);
    for await (const field of reader.fields({ offset: 0, length: source.size })) {
      seen.add(field.number);
      if (ONNX_FIELDS.get(field.number) !== field.wire) fitsOnnx = false;
      if (!fitsOnnx) return;
    }
  });
  const isBroken = walk.warnings.length > 0;
  if (!fitsOnnx) return undefined;
  if (seen.has(7) || seen.has(8)) return 'onnx';
  if (seen.has(2) && seen.size === 2 && !isBroken && (await hasMetaGraph(source))) return 'savedmodel';
  return isBroken && seen.size > 2 ? 'onnx' : undefined;
}

async function hasMetaGraph(source: RandomAccess): Promise<boolean> {
  const probe = await inspectSavedModel(source);
  return (
    probe.warnings.every((warning) => !warning.startsWith('malformed')) &&
    probe.details['nodes'] !== undefined
  );
}

/** Python's loader ignores what other readers need: content that is also a pickle with a call is reported. */
async function warnOfPolyglot(draft: Draft, source: RandomAccess): Promise<void> {
  const report = await probePickle(source);
  for (const name of [...(report?.findings.calls ?? [])].slice(0, 5)) {
    if (judgeImport(name) === 'known') continue;
    draft.warnings.push(
      `also reads as a pickle that names ${printable(name)}: loading this file as one would run code`,
    );
  }
}
