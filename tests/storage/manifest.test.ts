import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MlopsError } from '../../src/errors.ts';
import { canonicalJson } from '../../src/lib/canonical-json.ts';
import { unsafePathProblem } from '../../src/lib/safe-path.ts';
import {
  comparePaths,
  decodeManifest,
  encodeManifest,
  type Manifest,
  type ManifestFile,
} from '../../src/storage/manifest.ts';
import { sha256Hex } from '../../src/storage/digest.ts';

const EMPTY = sha256Hex(new Uint8Array());
const hex = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString('hex'));
const part = fc.oneof(
  fc.stringMatching(/^[a-z0-9_.-]{1,12}$/),
  fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme' }).filter((text) => !text.includes('/')),
);
const path = fc
  .array(part, { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join('/'))
  .filter((text) => unsafePathProblem(text) === undefined);

const content: fc.Arbitrary<Omit<ManifestFile, 'path' | 'executable'>> = fc.oneof(
  fc.constant({ size: 0, sha256: EMPTY, blobs: [] }),
  fc
    .tuple(fc.integer({ min: 1, max: 524_288 }), hex)
    .map(([size, sha256]) => ({ size, sha256, blobs: [sha256] })),
  fc
    .tuple(fc.array(hex, { minLength: 2, maxLength: 5 }), hex)
    .map(([blobs, sha256]) => ({ size: blobs.length * 1_048_576, sha256, blobs })),
);

const manifests: fc.Arbitrary<Manifest> = fc
  .uniqueArray(path, { maxLength: 12 })
  .map((paths) =>
    paths.filter((each) => !paths.some((other) => other.startsWith(`${each}/`))).toSorted(comparePaths),
  )
  .chain((paths) =>
    fc
      .tuple(
        ...paths.map((each) =>
          fc.tuple(content, fc.boolean()).map(([rest, executable]) => ({ path: each, executable, ...rest })),
        ),
      )
      .map((files) => ({ kind: 'directory' as const, files })),
  );

function slowEncode({ kind, files }: Manifest): string {
  return canonicalJson({
    schema: 'mlops.manifest/1',
    kind,
    files: files.map(({ path: name, size, sha256, executable, blobs }) => ({
      path: name,
      size,
      sha256,
      executable: executable ? true : undefined,
      blobs: blobs.length > 1 ? blobs : undefined,
    })),
  });
}

test('the fast writer writes what canonical JSON is', () => {
  fc.assert(
    fc.property(manifests, (manifest) => {
      expect(encodeManifest(manifest).toString()).toBe(slowEncode(manifest));
    }),
  );
});

test('what was written is read back', () => {
  fc.assert(
    fc.property(manifests, (manifest) => {
      expect(decodeManifest(encodeManifest(manifest), 'm')).toEqual(manifest);
    }),
  );
});

test('changed bytes give an error of ours, never a crash or another manifest', () => {
  fc.assert(
    fc.property(
      manifests,
      fc.nat(),
      fc.uint8Array({ maxLength: 3 }),
      fc.nat(3),
      (manifest, at, insert, remove) => {
        const bytes = encodeManifest(manifest);
        const start = at % bytes.length;
        const changed = Buffer.concat([bytes.subarray(0, start), insert, bytes.subarray(start + remove)]);
        try {
          expect(encodeManifest(decodeManifest(changed, 'm')).equals(changed)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(MlopsError);
        }
      },
    ),
    { numRuns: 500 },
  );
});

describe('refuses', () => {
  const file = { path: 'a', sha256: 'a'.repeat(64), size: 3 };
  const manifest = (files: unknown[], kind = 'directory'): unknown => ({
    files,
    kind,
    schema: 'mlops.manifest/1',
  });

  test.each<[string, unknown]>([
    ['an array', []],
    ['null', null],
    ['another schema', { files: [], kind: 'directory', schema: 'mlops.manifest/2' }],
    ['another kind', manifest([], 'link')],
    ['an unknown member', { ...Object(manifest([file])), extra: 1 }],
    ['an unknown member of a file', manifest([{ ...file, mode: 420 }])],
    ['unsorted paths', manifest([{ ...file, path: 'b' }, file])],
    ['a path twice', manifest([file, file])],
    ['a file that is a directory', manifest([file, { ...file, path: 'a-b' }, { ...file, path: 'a/b' }])],
    ['a negative size', manifest([{ ...file, size: -1 }])],
    ['a fraction', manifest([{ ...file, size: 1.5 }])],
    ['an unsafe integer', manifest([{ ...file, size: 2 ** 53 }])],
    ['a size that needs several blobs', manifest([{ ...file, size: 5_000_000 }])],
    ['too many blobs', manifest([{ blobs: ['a'.repeat(64), 'b'.repeat(64)], ...file }])],
    ['a single listed blob', manifest([{ blobs: ['a'.repeat(64)], ...file }])],
    ['an empty file with another hash', manifest([{ ...file, size: 0 }])],
    ['upper-case hex', manifest([{ ...file, sha256: 'A'.repeat(64) }])],
    ['executable: false', manifest([{ executable: false, ...file }])],
    ['a file artifact with a name', manifest([file], 'file')],
    ['a file artifact without a file', manifest([], 'file')],
  ])('%s', (_, value) => {
    const bytes = Buffer.from(canonicalJson(value as never));
    expect(() => decodeManifest(bytes, 'm')).toThrow(
      expect.objectContaining({ code: 'OBJECT_DAMAGED', exitCode: 3 }),
    );
  });

  test.each([
    '../x',
    '/etc/passwd',
    'a/../../b',
    'C:\\x',
    'c:/x',
    '\\\\srv\\x',
    'a\0b',
    '.git/hooks/x',
    'x/.GIT/config',
    'git~1/x',
    './a',
    'a//b',
    'a/',
  ])('the path %j', (unsafe) => {
    const bytes = Buffer.from(canonicalJson(manifest([{ ...file, path: unsafe }]) as never));
    expect(() => decodeManifest(bytes, 'm')).toThrow(
      expect.objectContaining({ code: 'UNSAFE_PATH', exitCode: 4 }),
    );
  });

  test.each([
    ['other white space', '{"files":[],"kind":"directory","schema":"mlops.manifest/1"}\n'],
    [
      'a duplicate key',
      '{\n  "files": [],\n  "kind": "file",\n  "kind": "directory",\n  "schema": "mlops.manifest/1"\n}\n',
    ],
    [
      'a forbidden key',
      '{\n  "__proto__": {},\n  "files": [],\n  "kind": "directory",\n  "schema": "mlops.manifest/1"\n}\n',
    ],
    [
      'a byte order mark',
      '\ufeff{\n  "files": [],\n  "kind": "directory",\n  "schema": "mlops.manifest/1"\n}\n',
    ],
    ['deep nesting', '['.repeat(200_000)],
    ['nothing', ''],
  ])('%s', (_, text) => {
    expect(() => decodeManifest(Buffer.from(text), 'm')).toThrow(
      expect.objectContaining({ code: 'OBJECT_DAMAGED' }),
    );
  });
});
