import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MlopsError } from '../../src/errors.ts';
import { sha256Hex } from '../../src/storage/digest.ts';
import { Encoding } from '../../src/storage/pack.ts';
import { Layout, type RemoteLocation } from '../../src/storage/transfer/layout.ts';

const MANIFEST = sha256Hex(Buffer.from('a manifest'));

/** Places as a writer makes them: blobs one after another in packs, in any order. */
const places: fc.Arbitrary<RemoteLocation[]> = fc
  .array(
    fc.array(fc.record({ stored: fc.integer({ min: 1, max: 100_000 }), extra: fc.nat(5000) }), {
      minLength: 1,
      maxLength: 6,
    }),
    { minLength: 0, maxLength: 4 },
  )
  .chain((packs) => {
    const all: RemoteLocation[] = packs.flatMap((blobs, pack) => {
      let offset = 8;
      const packSize = 8 + 16 + blobs.reduce((sum, { stored }) => sum + stored + 49, 0);
      return blobs.map(({ stored, extra }, index) => {
        const location = {
          id: sha256Hex(Buffer.from(`${pack}/${index}`)),
          pack: sha256Hex(Buffer.from(`pack ${pack}`)),
          packSize,
          offset,
          storedLength: stored,
          length: stored + extra,
          encoding: extra === 0 ? Encoding.raw : Encoding.brotli,
        };
        offset += stored;
        return location;
      });
    });
    return fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length });
  });

test('gives back what was put in, from the same bytes each time', () => {
  fc.assert(
    fc.property(places, (locations) => {
      const layout = Layout.build(MANIFEST, locations);
      const read = Layout.decode(new Uint8Array(layout.bytes), layout.name);
      expect(read.manifest).toBe(MANIFEST);
      expect(read.count).toBe(locations.length);
      expect(locations.map(({ id }, index) => read.locate(index, id))).toEqual(locations);
      expect(Layout.build(MANIFEST, locations).name).toBe(layout.name);
      expect(read.packs.map(({ name }) => name)).toEqual(
        [...new Set(locations.map(({ pack }) => pack))].toSorted(),
      );
    }),
  );
});

test('has the bytes that the format says', () => {
  const pack = 'ab'.repeat(32);
  const { bytes, name } = Layout.build(MANIFEST, [
    {
      id: 'cd'.repeat(32),
      pack,
      packSize: 200,
      offset: 8,
      storedLength: 3,
      length: 9,
      encoding: Encoding.brotli,
    },
  ]);
  const expected = [
    Buffer.from('MLOPSLY\u0001', 'latin1'),
    Buffer.from(MANIFEST, 'hex'),
    Buffer.from('0100000001000000', 'hex'),
    Buffer.from(pack, 'hex'),
    Buffer.from('c8000000', 'hex'),
    Buffer.from('00000000080000000300000009000000', 'hex'),
    Buffer.from([1]),
  ];
  expect(bytes.toString('hex')).toBe(Buffer.concat(expected).toString('hex'));
  expect(name).toBe(`${MANIFEST}-${sha256Hex(bytes).slice(0, 16)}`);
});

const GOOD = Layout.build(MANIFEST, [
  {
    id: '11'.repeat(32),
    pack: 'bb'.repeat(32),
    packSize: 5000,
    offset: 8,
    storedLength: 1000,
    length: 1000,
    encoding: 0,
  },
  {
    id: '22'.repeat(32),
    pack: 'aa'.repeat(32),
    packSize: 900,
    offset: 8,
    storedLength: 700,
    length: 900,
    encoding: 1,
  },
  {
    id: '33'.repeat(32),
    pack: 'bb'.repeat(32),
    packSize: 5000,
    offset: 1008,
    storedLength: 10,
    length: 10,
    encoding: 0,
  },
]);
const FIRST_PACK = 48;
const FIRST_BLOB = FIRST_PACK + 2 * 36;

/** The good layout with a number replaced. */
function changed(at: number, value: number, width: 1 | 4 = 4): Uint8Array {
  const bytes = Buffer.from(GOOD.bytes);
  if (width === 1) bytes.writeUInt8(value, at);
  else bytes.writeUInt32LE(value, at);
  return bytes;
}

test.each([
  ['nothing', new Uint8Array(0), "can't be a layout"],
  ['another magic', changed(0, 0), 'does not start'],
  ['another manifest', changed(8, 1), 'another manifest'],
  ['more packs than bytes', changed(40, 0xffffffff), "can't hold"],
  ['more blobs than bytes', changed(44, 0xffffffff), "can't hold"],
  ['a byte too few', GOOD.bytes.subarray(0, -1), "can't hold"],
  ['packs out of order', changed(FIRST_PACK, 0xffffffff), 'not sorted'],
  ['an impossibly large pack', changed(FIRST_PACK + 32, 0x7fffffff), 'impossible'],
  ['an impossibly small pack', changed(FIRST_PACK + 32, 60), 'impossible'],
  ['a pack that is not listed', changed(FIRST_BLOB, 2), 'is in pack 2 of 2'],
  ['a pack that holds nothing', changed(FIRST_BLOB + 17, 1), /lie over each other|holds none/],
  ['an offset in the header', changed(FIRST_BLOB + 4, 7), 'outside its pack'],
  ['an offset behind the end', changed(FIRST_BLOB + 4, 4990), 'outside its pack'],
  ['two blobs in one place', changed(FIRST_BLOB + 2 * 17 + 4, 1007), 'over each other'],
  ['no stored bytes', changed(FIRST_BLOB + 17 + 8, 0), 'stored as 0'],
  ['a raw blob of another length', changed(FIRST_BLOB + 12, 999), 'claims'],
  ['a blob that is too long', changed(FIRST_BLOB + 17 + 12, 5 * 1024 * 1024), 'claims'],
  ['an unknown encoding', changed(FIRST_BLOB + 16, 2, 1), 'encoding 2'],
])('a layout with %s is refused', (_what, bytes, problem) => {
  expect(() => Layout.decode(bytes, GOOD.name)).toThrow(problem);
});

test('whatever is done to its bytes, reading either works or fails in order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(GOOD.bytes.length - 1), fc.nat(255)), { maxLength: 6 }),
      fc.nat(GOOD.bytes.length),
      (edits, length) => {
        const bytes = Buffer.from(GOOD.bytes.subarray(0, length));
        for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
        try {
          const read = Layout.decode(bytes, GOOD.name);
          for (let index = 0; index < read.count; index += 1) {
            const { offset, storedLength, packSize } = read.locate(index, '');
            expect(offset + storedLength).toBeLessThanOrEqual(packSize);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(MlopsError);
        }
      },
    ),
  );
});
