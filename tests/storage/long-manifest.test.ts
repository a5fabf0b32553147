import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../src/lib/canonical-json.ts';
import { sha256Hex } from '../../src/storage/digest.ts';
import {
  decodeManifest,
  encodeManifest,
  type Manifest,
  type ManifestFile,
} from '../../src/storage/manifest.ts';

/** More text than is parsed at once, several times over. */
const COUNT = 1500;

function fileOf(index: number): ManifestFile {
  const sha256 = sha256Hex(Buffer.from(String(index)));
  const path = `part-${Math.floor(index / 100)}/${index % 7 === 0 ? 'größe "1"\n' : 'sample'}-${String(index).padStart(5, '0')}`;
  if (index % 50 === 3) {
    const blobs = [sha256, sha256Hex(Buffer.from(`second ${index}`))];
    return { path, size: 2_000_000, executable: true, sha256, blobs };
  }
  return { path, size: 1000 + index, executable: index % 9 === 0, sha256, blobs: [sha256] };
}

const files = Array.from({ length: COUNT }, (_, index) => fileOf(index)).toSorted((first, second) =>
  first.path < second.path ? -1 : 1,
);
const long: Manifest = { kind: 'directory', files };
const bytes = encodeManifest(long);
const text = bytes.toString();

/** What `decodeManifest` says of a text, reading it as a whole: the refusal of the first rule that it breaks, in short. */
function problemOf(changed: Buffer): string | undefined {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(
      new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(changed),
    ) as typeof value;
  } catch {
    return 'not valid JSON';
  }
  return Buffer.from(canonicalJson(value as never)).equals(changed) ? undefined : 'not in canonical form';
}

function refusalOf(changed: Buffer): string | undefined {
  try {
    decodeManifest(changed, 'm');
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

test('a long manifest is read back as it was', () => {
  expect(bytes.length).toBeGreaterThan(200_000);
  expect(decodeManifest(bytes, 'm')).toEqual(long);
  // Bytes that do not start where their memory does.
  const shifted = Buffer.concat([Buffer.from('xyz'), bytes]).subarray(3);
  expect(decodeManifest(shifted, 'm')).toEqual(long);
});

test('what is no JSON is called so, and what is accepted is canonical, wherever the change is', () => {
  const separators = [...text.matchAll(/\n {4}\},\n/g)].map(({ index }) =>
    Buffer.byteLength(text.slice(0, index)),
  );
  const near = fc
    .tuple(
      fc.constantFrom(...separators.filter((_, index) => index % 20 === 0)),
      fc.integer({ min: -12, max: 12 }),
    )
    .map(([at, shift]) => at + shift);
  const inserted = fc.oneof(
    fc.uint8Array({ maxLength: 3 }),
    fc
      .constantFrom(',', '\n', '    },\n', '\n    },\n', '    {\n', ' ', '{}')
      .map((each) => Buffer.from(each)),
  );
  fc.assert(
    fc.property(fc.oneof(near, fc.nat(bytes.length - 1)), inserted, fc.nat(9), (at, insert, removed) => {
      const changed = Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + removed)]);
      const problem = problemOf(changed);
      const refusal = refusalOf(changed);
      if (problem === 'not valid JSON') expect(refusal).toBe('m: not valid JSON');
      else if (problem !== undefined) expect(refusal).toBeDefined();
      if (refusal === undefined)
        expect(encodeManifest(decodeManifest(changed, 'm')).equals(changed)).toBe(true);
    }),
    { numRuns: 150 },
  );
}, 60_000);

describe('a long manifest is refused', () => {
  const sha = files[1200]?.sha256 ?? '';
  const last = text.lastIndexOf('    {\n');
  test.each<[string, string, string]>([
    ['with a comma after the last file', text.replace('\n  ],', ',\n  ],'), 'm: not valid JSON'],
    [
      'with a comma and a line after the last file',
      text.replace('    }\n  ],', '    },\n\n  ],'),
      'm: not valid JSON',
    ],
    [
      'without the last file, but with its comma',
      `${text.slice(0, last)}${text.slice(text.indexOf('\n  ],'))}`,
      'm: not valid JSON',
    ],
    [
      'with a hash that is none',
      text.replace(`"sha256": "${sha}"`, `"sha256": "${sha.slice(1)}g"`),
      'm: file 1200: invalid sha256',
    ],
    [
      'with an unknown member',
      text.replace(`"sha256": "${sha}"`, `"mode": 1,\n      "sha256": "${sha}"`),
      'm: not in canonical form',
    ],
    ['with a blank between two files', text.replace('    },\n', '    }, \n'), 'm: not in canonical form'],
    [
      'with the first file twice',
      text.replace(/( {4}\{\n[^]*?\n {4}\},\n)/, '$1$1'),
      'm: paths are not sorted or not unique',
    ],
    [
      'that says it is one file',
      text.replace('"directory"', '"file"'),
      'm: file 0: the path of a file artifact must be empty',
    ],
    ['cut off', text.slice(0, 150_000), 'm: not valid JSON'],
  ])('%s', (_, changed, message) => {
    expect(changed).not.toBe(text);
    expect(refusalOf(Buffer.from(changed))).toBe(message);
  });

  test('before the last path when an earlier thing is wrong, as it is read as a whole', () => {
    const unsafe = text.replace(/"path": "part-0\/[^"]*-00001"/, '"path": "../x"');
    expect(() => decodeManifest(Buffer.from(unsafe), 'm')).toThrow(
      expect.objectContaining({ code: 'UNSAFE_PATH' }),
    );
    expect(refusalOf(Buffer.from(unsafe.slice(0, -2)))).toBe('m: not valid JSON');
  });

  test.each([',\n  ]', ',\n\n  ]'])(
    'with %j after a last file that alone is more than is parsed at once',
    (end) => {
      const blobs = Array.from({ length: 1500 }, (_, index) => sha256Hex(Buffer.from(`piece ${index}`)));
      const large = {
        path: 'z',
        size: 1500 * 2 ** 20,
        executable: false,
        sha256: sha256Hex(Buffer.from('z')),
        blobs,
      };
      const whole = encodeManifest({ kind: 'directory', files: [...files, large] });
      expect(decodeManifest(whole, 'm').files).toHaveLength(COUNT + 1);
      expect(refusalOf(Buffer.from(whole.toString().replace('\n  ],\n', `${end},\n`)))).toBe(
        'm: not valid JSON',
      );
    },
  );

  test('when there is nothing between the brackets but a line', () => {
    const empty = '{\n  "files": [\n\n  ],\n  "kind": "directory",\n  "schema": "mlops.manifest/1"\n}\n';
    expect(refusalOf(Buffer.from(empty))).toBe('m: not in canonical form');
  });
});
