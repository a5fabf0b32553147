import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MlopsError } from '../../src/errors.ts';
import { decodeBlob, encodeBlob, encodeSmall, looksCompressible } from '../../src/storage/compression.ts';
import { sha256Hex } from '../../src/storage/digest.ts';
import { decodePack, Encoding, PackBuilder } from '../../src/storage/pack.ts';
import { noise } from './support/scratch.ts';

function packOf(blobs: readonly Uint8Array[]): Buffer {
  const builder = new PackBuilder();
  for (const blob of blobs) {
    const { encoding, stored } = encodeSmall(blob);
    builder.add({ id: sha256Hex(blob), length: blob.length, storedLength: stored.length, encoding }, stored);
  }
  return Buffer.from(builder.finish());
}

const blobs = fc.array(fc.uint8Array({ minLength: 1, maxLength: 2000 }), { maxLength: 20 });

describe('packs', () => {
  test('hold what was put in', () => {
    fc.assert(
      fc.property(blobs, (contents) => {
        const bytes = packOf(contents);
        const entries = decodePack(bytes, 'pack');
        expect(entries.map(({ id }) => id)).toEqual(contents.map((blob) => sha256Hex(blob)));
        for (const [index, { offset, storedLength, encoding }] of entries.entries()) {
          if (encoding !== Encoding.raw) continue;
          expect(
            bytes.subarray(offset, offset + storedLength).equals(contents[index] ?? new Uint8Array()),
          ).toBe(true);
        }
      }),
    );
  });

  test('follow the layout of the format', () => {
    const bytes = packOf([Buffer.from('abc')]);
    expect(bytes.subarray(0, 11).toString('latin1')).toBe('MLOPSPK\u0001abc');
    expect(bytes.subarray(11, 43).toString('hex')).toBe(sha256Hex(Buffer.from('abc')));
    expect(bytes.readBigUInt64LE(43)).toBe(8n);
    expect([bytes.readUInt32LE(51), bytes.readUInt32LE(55), bytes.readUInt8(59)]).toEqual([3, 3, 0]);
    expect([bytes.readUInt32LE(60), bytes.readUInt32LE(64)]).toEqual([1, 49]);
    expect(bytes.subarray(68).toString()).toBe('MLOPSPKT');
  });

  test('grow past their first buffer without losing a byte', () => {
    const contents = Array.from({ length: 6 }, (_, seed) => noise(900_000, seed + 1));
    const bytes = packOf(contents);
    for (const { id, offset, storedLength } of decodePack(bytes, 'pack')) {
      expect(sha256Hex(bytes.subarray(offset, offset + storedLength))).toBe(id);
    }
  });

  test('that were tampered with never crash a reader', () => {
    const good = packOf([noise(300), Buffer.from('x'.repeat(3000)), noise(50, 3)]);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        fc.nat(good.length),
        (changes, length) => {
          const bytes = Buffer.from(good);
          for (const [at, value] of changes) bytes[at] = value;
          expectSoundOrRefused(bytes);
          expectSoundOrRefused(bytes.subarray(0, length));
        },
      ),
      { numRuns: 500 },
    );
  });

  test.each([
    ['an entry over another', (bytes: Buffer) => bytes.writeBigUInt64LE(8n, bytes.length - 16 - 49 + 32)],
    [
      'an entry in the table',
      (bytes: Buffer) => bytes.writeBigUInt64LE(BigInt(bytes.length - 20), bytes.length - 16 - 49 + 32),
    ],
    ['a huge offset', (bytes: Buffer) => bytes.writeBigUInt64LE(2n ** 64n - 1n, bytes.length - 16 - 49 + 32)],
    ['a blob of 4 GiB', (bytes: Buffer) => bytes.writeUInt32LE(2 ** 32 - 1, bytes.length - 16 - 49 + 44)],
    ['an unknown encoding', (bytes: Buffer) => bytes.writeUInt8(2, bytes.length - 17)],
    ['a billion entries', (bytes: Buffer) => bytes.writeUInt32LE(1_000_000_000, bytes.length - 16)],
    ['another magic number', (bytes: Buffer) => bytes.write('ZIP', 0)],
  ])('with %s are refused', (_, tamper) => {
    const bytes = packOf([noise(100, 1), noise(100, 2)]);
    tamper(bytes);
    expect(() => decodePack(bytes, 'pack')).toThrow(
      expect.objectContaining({ code: 'OBJECT_DAMAGED', exitCode: 3 }),
    );
  });
});

/** Either it is refused as one of our errors, or everything it claims lies inside it. */
function expectSoundOrRefused(bytes: Buffer): void {
  try {
    for (const { offset, storedLength } of decodePack(bytes, 'pack')) {
      expect(offset + storedLength).toBeLessThanOrEqual(bytes.length);
    }
  } catch (error) {
    expect(error).toBeInstanceOf(MlopsError);
  }
}

describe('compression', () => {
  test('shrinks text, leaves noise alone, and gives back the same bytes', async () => {
    const text = Buffer.from('id,name,value\n1,alpha,0.5\n'.repeat(40_000));
    const small = text.subarray(0, 5000);
    for (const bytes of [text, small]) {
      const { encoding, stored } = await encodeBlob(bytes);
      expect(encoding).toBe(Encoding.brotli);
      expect(stored.length).toBeLessThan(bytes.length / 5);
      const blob = { id: 'x', length: bytes.length, encoding };
      expect(bytes.equals(await decodeBlob(new Uint8Array(stored), blob))).toBe(true);
    }
    const random = noise(1_000_000);
    expect((await encodeBlob(random)).encoding).toBe(Encoding.raw);
    expect(looksCompressible(random)).toBe(false);
  });

  test('weights stay raw', async () => {
    const weights = Float32Array.from(noise(400_000), (byte, index) => Math.sin(byte * 7919 + index) / 16);
    expect((await encodeBlob(Buffer.from(weights.buffer))).encoding).toBe(Encoding.raw);
  });

  test('stops at the stated length, however much more there is', async () => {
    const bomb = (await encodeBlob(Buffer.alloc(4_000_000))).stored;
    const blob = { id: 'x', length: 100_000, encoding: Encoding.brotli };
    await expect(decodeBlob(new Uint8Array(bomb), blob)).rejects.toMatchObject({ code: 'OBJECT_DAMAGED' });
    const short = { ...blob, length: 4_000_001 };
    await expect(decodeBlob(new Uint8Array(bomb), short)).rejects.toMatchObject({ code: 'OBJECT_DAMAGED' });
  });

  test('garbage is damage, not a crash', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        const blob = { id: 'x', length: 4_000_000, encoding: Encoding.brotli };
        await expect(decodeBlob(new Uint8Array(bytes), blob)).rejects.toMatchObject({
          code: 'OBJECT_DAMAGED',
        });
      }),
      { numRuns: 50 },
    );
  });
});
