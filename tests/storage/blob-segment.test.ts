import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BlobSegment, type PackTable } from '../../src/storage/blob-segment.ts';
import { sha256Hex } from '../../src/storage/digest.ts';
import { Encoding } from '../../src/storage/pack.ts';
import { RemoteBlobs } from '../../src/storage/transfer/remote-blobs.ts';

const nameOf = (number: number): string => sha256Hex(Buffer.from(`pack ${number}`));
const idOf = (number: number): string => sha256Hex(Buffer.from(`blob ${number}`));

/** One pack's table; some of its blobs are in other packs too. */
function tableOf(number: number, blobs: readonly number[]): PackTable {
  const entries = blobs.map((blob) => ({
    id: idOf(blob),
    offset: 8 + number * 1000 + blob * 10,
    storedLength: 5,
    length: blob % 2 === 0 ? 5 : 9,
    encoding: blob % 2 === 0 ? Encoding.raw : Encoding.brotli,
  }));
  return { name: nameOf(number), size: 100_000 + number, entries };
}

const tables = fc
  .array(fc.uniqueArray(fc.nat(40), { minLength: 1, maxLength: 12 }), { maxLength: 8 })
  .map((packs) => packs.map((blobs, number) => tableOf(number, blobs)));

function placesIn(segment: BlobSegment, id: string): unknown[] {
  const found: { name: string | undefined }[] = [];
  segment.find(id, Buffer.from(id, 'hex'), (pack, entry) => {
    found.push({ name: segment.packs[pack]?.name, ...entry });
  });
  return found.toSorted((first, second) => String(first.name).localeCompare(String(second.name)));
}

test('a merged segment finds what one made of the kept tables finds', () => {
  fc.assert(
    fc.property(tables, fc.nat(8), fc.func(fc.boolean()), (all, split, keeps) => {
      const parts = [all.slice(0, split), all.slice(split)].map((part) => BlobSegment.build(part));
      const merged = BlobSegment.merge(parts, ({ name }) => keeps(name));
      const expected = BlobSegment.build(all.filter(({ name }) => keeps(name)));
      expect(merged.packs).toEqual(expected.packs);
      expect(merged.count).toBe(expected.count);
      for (let blob = 0; blob <= 40; blob += 1) {
        expect(placesIn(merged, idOf(blob))).toEqual(placesIn(expected, idOf(blob)));
      }
      expect(BlobSegment.parse(merged.bytes)?.count).toBe(expected.count);
    }),
  );
});

test('the entries of one pack come back', () => {
  const segment = BlobSegment.build([tableOf(0, [1, 2]), tableOf(1, [2, 3, 4])]);
  const { entries } = tableOf(1, [2, 3, 4]);
  expect(segment.entriesOf(1)).toEqual(entries.toSorted((first, second) => (first.id < second.id ? -1 : 1)));
});

test('what two layouts say of the same pack of a remote adds up', () => {
  const blobs = new RemoteBlobs();
  blobs.add([tableOf(0, [1, 2])]);
  blobs.add([tableOf(0, [2, 3])]);
  for (const blob of [1, 2, 3]) {
    expect(blobs.findAll(idOf(blob))).toMatchObject([{ id: idOf(blob), pack: nameOf(0), packSize: 100_000 }]);
  }
});
