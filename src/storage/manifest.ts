import { IntegrityError, RefusedError } from '../errors.ts';
import { assertSafeRelativePath } from '../lib/safe-path.ts';
import { MAX_CHUNK, MIN_CHUNK } from './chunker.ts';

/** One regular file of an artifact. */
export interface ManifestFile {
  /** Relative, `/` between the parts, valid UTF-8; the empty string in a file artifact. */
  path: string;
  /** Bytes. */
  size: number;
  executable: boolean;
  /** 64 hex digits: SHA-256 of the whole file. */
  sha256: string;
  /** Ids of the blobs in order; empty for an empty file. */
  blobs: readonly string[];
}

/** The list of an artifact's files, sorted by path (UTF-16 code units). Its canonical bytes give the artifact's digest. */
export interface Manifest {
  kind: 'file' | 'directory';
  files: readonly ManifestFile[];
}

export const MAX_MANIFEST = 1024 * 1024 * 1024;
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const HEX = /^[0-9a-f]{64}$/;
/** Paths that no rule of format.md 6.3 can touch; they spare 100,000 ordinary files the full check. */
const PLAIN_PATH =
  /^[A-Za-z0-9_][A-Za-z0-9_-]{0,60}(?:\.[A-Za-z0-9_-]{1,60})?(?:\/[A-Za-z0-9_][A-Za-z0-9_-]{0,60}(?:\.[A-Za-z0-9_-]{1,60})?){0,15}$/;
const HEAD = '{\n  "files": [';
/** Between two files, and nowhere else in canonical text: a line break in a string would be escaped. */
const BETWEEN = '\n    },\n';
/** Bytes of the canonical text that are parsed at once, at least. */
const PARSED_AT_ONCE = 64 * 1024;
const PLAIN_TEXT = /^[ !#-[\]-~]*$/;

/** The order of paths in a manifest. */
export function comparePaths(first: string, second: string): number {
  if (first === second) return 0;
  return first < second ? -1 : 1;
}

/**
 * The one text form of a manifest: what `canonicalJson` would write, made without an object per file, because manifests of
 * 100,000 files are ordinary.
 */
export function encodeManifest(manifest: Manifest): Buffer<ArrayBuffer> {
  return Buffer.concat([...piecesOf(manifest)]);
}

/** The canonical text in pieces of about a megabyte. */
function* piecesOf(manifest: Manifest): Generator<Buffer> {
  let text = HEAD;
  let separator = '\n';
  for (const file of manifest.files) {
    text += separator + textOf(file);
    separator = ',\n';
    if (text.length > 1024 * 1024) {
      yield Buffer.from(text);
      text = '';
    }
  }
  yield Buffer.from(text + tailOf(manifest.kind, manifest.files.length === 0));
}

function textOf(file: ManifestFile): string {
  const blobs = isListed(file)
    ? `      "blobs": [\n        "${file.blobs.join('",\n        "')}"\n      ],\n`
    : '';
  const executable = file.executable ? '      "executable": true,\n' : '';
  return `    {\n${blobs}${executable}      "path": ${quote(file.path)},\n      "sha256": "${file.sha256}",\n      "size": ${file.size}\n    }`;
}

/** What follows the last file. */
function tailOf(kind: Manifest['kind'], isEmpty: boolean): string {
  return `${isEmpty ? ']' : '\n  ]'},\n  "kind": "${kind}",\n  "schema": "mlops.manifest/1"\n}\n`;
}

/** Piece by piece, as a second copy of a manifest of 100,000 files would be 16 MB more. */
function isTextOf(manifest: Manifest, bytes: Uint8Array): boolean {
  let at = 0;
  for (const piece of piecesOf(manifest)) {
    if (!piece.equals(bytes.subarray(at, at + piece.length))) return false;
    at += piece.length;
  }
  return at === bytes.length;
}

/** One blob is the file itself, so its id says nothing new. */
function isListed(file: ManifestFile): boolean {
  return file.blobs.length > 1;
}

function quote(text: string): string {
  return PLAIN_TEXT.test(text) ? `"${text}"` : JSON.stringify(text);
}

function damaged(source: string, problem: string, cause?: unknown): IntegrityError {
  return new IntegrityError('OBJECT_DAMAGED', `${source}: ${problem}`, cause === undefined ? {} : { cause });
}

/**
 * Reads a manifest from anybody: every rule of format.md 6.3 is checked, and the bytes have to be the canonical text of
 * what was read, which also rules out duplicate and unknown keys.
 *
 * @param source what to call it in messages
 * @throws IntegrityError `OBJECT_DAMAGED`; RefusedError `UNSAFE_PATH`
 */
export function decodeManifest(bytes: Uint8Array, source: string): Manifest {
  if (bytes.length > MAX_MANIFEST) throw damaged(source, `a manifest of ${bytes.length} bytes is too large`);
  try {
    const manifest = readCanonical(bytes) ?? readAnyJson(bytes, source);
    assertTree(manifest, source);
    return manifest;
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    throw new RefusedError(error.code, `${source} names an ${error.message}`, {
      cause: error,
      hint: 'nothing was written; find out who saved it: mlops history, mlops data history',
    });
  }
}

/**
 * The files of a canonical text, a few hundred at a time, because all of it as one string and its values would be several times what
 * the manifest is. Each part is written again and compared, so what is accepted here is what would be as a whole. Undefined when
 * anything is wrong: reading it as a whole then says what.
 */
function readCanonical(bytes: Uint8Array): Manifest | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kind = (['directory', 'file'] as const).find((each) => endsWith(text, tailOf(each, false)));
  if (kind === undefined || text.toString('latin1', 0, HEAD.length + 1) !== `${HEAD}\n`) return undefined;
  const end = text.length - tailOf(kind, false).length;
  const files: ManifestFile[] = [];
  for (let at = HEAD.length + 1; at < end;) {
    const cut = text.indexOf(BETWEEN, Math.min(at + PARSED_AT_ONCE, end), 'latin1');
    // Of the separator, all but the comma and the line break belongs to the file before it.
    const stop = cut === -1 ? end : cut + BETWEEN.length - 2;
    try {
      const part = decodeUtf8(text.subarray(at, stop));
      const values = JSON.parse(`[${part}]`) as readonly unknown[];
      const read = values.map((value) => readFile(value, kind, ''));
      if (read.map(textOf).join(',\n') !== part) return undefined;
      for (const file of read) files.push(file);
    } catch {
      return undefined;
    }
    at = stop + 2;
    if (cut !== -1 && at >= end) return undefined;
  }
  return files.length === 0 ? undefined : { kind, files };
}

function endsWith(text: Buffer, end: string): boolean {
  return text.length >= end.length && text.toString('latin1', text.length - end.length) === end;
}

function readAnyJson(bytes: Uint8Array, source: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(decodeUtf8(bytes));
  } catch (cause) {
    throw damaged(source, 'not valid JSON', cause);
  }
  const manifest = readManifest(value, source);
  if (!isTextOf(manifest, bytes)) throw damaged(source, 'not in canonical form');
  return manifest;
}

/** @throws TypeError for anything that is not UTF-8 */
function decodeUtf8(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
}

function readManifest(value: unknown, source: string): Manifest {
  if (!isRecord(value) || value['schema'] !== 'mlops.manifest/1')
    throw damaged(source, 'not a manifest of version 1');
  const { kind, files } = value;
  if ((kind !== 'file' && kind !== 'directory') || !Array.isArray(files))
    throw damaged(source, 'malformed manifest');
  const items: readonly unknown[] = files;
  return { kind, files: items.map((item, index) => readFile(item, kind, `${source}: file ${index}`)) };
}

function readFile(value: unknown, kind: Manifest['kind'], source: string): ManifestFile {
  if (!isRecord(value)) throw damaged(source, 'not an object');
  const { path, size, sha256, executable = false, blobs } = value;
  if (typeof path !== 'string') throw damaged(source, 'no path');
  if (kind === 'file') {
    if (path !== '') throw damaged(source, 'the path of a file artifact must be empty');
  } else if (!PLAIN_PATH.test(path)) {
    assertSafeRelativePath(path);
  }
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    throw damaged(source, 'invalid size');
  if (typeof sha256 !== 'string' || !HEX.test(sha256)) throw damaged(source, 'invalid sha256');
  if (typeof executable !== 'boolean') throw damaged(source, 'invalid executable');
  return { path, size, executable, sha256, blobs: readBlobs({ blobs, size, sha256 }, source) };
}

function readBlobs(
  file: { blobs: unknown; size: number; sha256: string },
  source: string,
): readonly string[] {
  const { blobs, size, sha256 } = file;
  if (blobs === undefined) {
    if (size > MAX_CHUNK) throw damaged(source, `${size} bytes can't be one blob`);
    if (size === 0 && sha256 !== EMPTY_SHA256) throw damaged(source, 'an empty file with a wrong sha256');
    return size === 0 ? [] : [sha256];
  }
  if (!Array.isArray(blobs) || blobs.length < 2) throw damaged(source, 'invalid blobs');
  const ids: readonly unknown[] = blobs;
  // Every blob but the last is longer than the minimum and none is longer than the maximum.
  if (ids.length > size / MIN_CHUNK + 1 || ids.length < size / MAX_CHUNK) {
    throw damaged(source, `${ids.length} blobs can't make ${size} bytes`);
  }
  return ids.map((id) => {
    if (typeof id !== 'string' || !HEX.test(id)) throw damaged(source, 'invalid blob id');
    return id;
  });
}

/** Strictly ascending paths, none a directory of another, and exactly one in a file artifact. */
function assertTree({ kind, files }: Manifest, source: string): void {
  if (kind === 'file' && files.length !== 1)
    throw damaged(source, `a file artifact with ${files.length} files`);
  const directories = new Set<string>();
  let previous: string | undefined;
  for (const { path } of files) {
    if (previous !== undefined && previous >= path)
      throw damaged(source, 'paths are not sorted or not unique');
    previous = path;
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const directory = path.slice(0, slash);
      if (directories.has(directory)) break;
      directories.add(directory);
    }
  }
  for (const { path } of files) {
    if (directories.has(path))
      throw damaged(source, `${JSON.stringify(path)} is both a file and a directory`);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
