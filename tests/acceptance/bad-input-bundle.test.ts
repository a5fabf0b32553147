import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { canonicalJson, type JsonValue } from '../../src/lib/canonical-json.ts';
import { snapshot, twoModels } from '../support/bad-input.ts';
import { hostileBundle, sha256, type HostileEntry } from '../support/hostile-bundle.ts';
import { registryRepo, type RegistryRepo } from '../support/registry-repo.ts';

describe('a bundle', () => {
  const HEX = 'a'.repeat(64);

  /** The entries of an honest bundle of fraud@v1, and an empty repository to import into. */
  async function honest(): Promise<{ entries: HostileEntry[]; target: RegistryRepo; archive: Buffer }> {
    const source = await twoModels();
    await source.json('export', 'fraud@v1', '-o', 'bundle.tar.gz');
    const archive = await readFile(join(source.root, 'bundle.tar.gz'));
    const entries: HostileEntry[] = [];
    const plain = gunzipSync(archive);
    for (let offset = 0; offset + 512 <= plain.length && plain[offset] !== 0;) {
      const name = plain.toString('latin1', offset, offset + 100).replace(/\0.*$/s, '');
      const size = Number.parseInt(plain.toString('latin1', offset + 124, offset + 136), 8);
      entries.push({ name, content: plain.subarray(offset + 512, offset + 512 + size) });
      offset += 512 + Math.ceil(size / 512) * 512;
    }
    const target = await registryRepo();
    return { entries, target, archive };
  }

  async function importing(target: RegistryRepo, bundle: Uint8Array) {
    const path = join(dirname(target.root), 'hostile.tar.gz');
    await writeFile(path, bundle);
    const before = await snapshot(dirname(target.root));
    const status = await target.git('status', '--porcelain');
    const failure = await target.failure('import', path);
    expect(await snapshot(dirname(target.root))).toEqual(before);
    expect(await target.git('status', '--porcelain')).toBe(status);
    return failure;
  }

  test('that is honest is taken, so that the cases below fail for their own reasons', async () => {
    const { entries, target } = await honest();
    await target.write('bundle.tar.gz', hostileBundle(entries));
    expect(await target.json('import', 'bundle.tar.gz')).toMatchObject({ model: 'fraud', version: 'v1' });
  });

  const extra: [string, HostileEntry][] = [
    ['a path that leads out', { name: '../../escaped.json', content: '{}' }],
    ['an absolute path', { name: '/tmp/mlops-escaped.json', content: '{}' }],
    ['a symbolic link', { name: `packs/${HEX}`, type: 'SymbolicLink', linkpath: '../../../outside' }],
    ['a hard link', { name: `packs/${HEX}`, type: 'Link', linkpath: '/etc/passwd' }],
    ['a character device', { name: `packs/${HEX}`, type: 'CharacterDevice' }],
    ['a block device', { name: `packs/${HEX}`, type: 'BlockDevice' }],
    ['a FIFO', { name: `packs/${HEX}`, type: 'FIFO' }],
    ['a directory', { name: 'packs/', type: 'Directory' }],
    ['a name that no bundle has', { name: 'packs/../record.json', content: '{}' }],
    ['a claim of two gigabytes', { name: `packs/${HEX}`, size: 2 * 1024 ** 3 }],
  ];
  test.each(extra)(
    'with %s is refused with exit 4, wherever it stands, and writes nothing',
    async (_what, entry) => {
      const { entries, target } = await honest();
      expect(await importing(target, hostileBundle([entry, ...entries]))).toMatchObject({
        code: 'UNSAFE_BUNDLE',
        exitCode: 4,
      });
      expect(await importing(target, hostileBundle([...entries, entry]))).toMatchObject({
        code: 'UNSAFE_BUNDLE',
        exitCode: 4,
      });
    },
  );

  test('with an entry twice is refused with exit 4', async () => {
    const { entries, target } = await honest();
    for (const entry of entries) {
      expect(await importing(target, hostileBundle([...entries, entry]))).toMatchObject({
        code: 'UNSAFE_BUNDLE',
        exitCode: 4,
      });
    }
  });

  test('with a record or header that leads out is refused with exit 4', async () => {
    const { entries, target } = await honest();
    const change = (name: string, edit: (document: Record<string, unknown>) => object): HostileEntry[] => {
      const edited = entries.map((entry) => {
        if (entry.name !== name) return entry;
        const document = JSON.parse(Buffer.from(entry.content ?? '').toString()) as Record<string, unknown>;
        return { ...entry, content: canonicalJson(edit(document) as JsonValue) };
      });
      const record = edited.find((entry) => entry.name === 'record.json')?.content ?? '';
      return edited.map((entry) => {
        if (entry.name !== 'bundle.json') return entry;
        const header = JSON.parse(Buffer.from(entry.content ?? '').toString()) as Record<string, unknown>;
        return {
          ...entry,
          content: canonicalJson({ ...header, record: `sha256:${sha256(record)}` }),
        };
      });
    };
    for (const bundle of [
      change('record.json', (record) => ({ ...record, path: '../../../escaped' })),
      change('bundle.json', (header) => ({ ...header, model: '../../fraud' })),
      change('bundle.json', (header) => ({ ...header, version: '../../../v1' })),
    ]) {
      expect(await importing(target, hostileBundle(bundle))).toMatchObject({ exitCode: 4 });
    }
    const foreign = change('record.json', (record) => ({ ...record, size: 1 }));
    expect(await importing(target, hostileBundle(foreign))).toMatchObject({
      code: 'BUNDLE_DAMAGED',
      exitCode: 3,
    });
  });

  test('cut off anywhere, or no bundle at all, is refused and writes nothing', async () => {
    const { archive, target } = await honest();
    for (const length of [0, 1, 20, archive.length >> 1, archive.length - 1]) {
      const { exitCode } = await importing(target, archive.subarray(0, length));
      expect([2, 3, 4], `${length} of ${archive.length} bytes`).toContain(exitCode);
    }
    expect((await importing(target, Buffer.from('not a bundle'))).exitCode).toBe(2);
    expect((await importing(target, hostileBundle([]))).exitCode).toBe(2);
  });

  test('that expands a thousandfold is refused before it is expanded', async () => {
    const { target } = await honest();
    const bomb = hostileBundle([{ name: `packs/${HEX}`, content: Buffer.alloc(64 * 1024 * 1024) }]);
    expect(bomb.length).toBeLessThan(100_000);
    expect(await importing(target, bomb)).toMatchObject({ code: 'UNSAFE_BUNDLE', exitCode: 4 });
    const nested = gzipSync(bomb);
    expect((await importing(target, nested)).exitCode).toBe(2);
  });

  test('whose bytes were changed is an integrity failure, whichever object it is', async () => {
    const { entries, target } = await honest();
    for (const [index, { content = '' }] of entries.entries()) {
      const changed = Buffer.from(content);
      changed[changed.length >> 1] = (changed[changed.length >> 1] ?? 0) ^ 1;
      const bundle = hostileBundle(
        entries.map((entry, at) => (at === index ? { ...entry, content: changed } : entry)),
      );
      const { exitCode } = await importing(target, bundle);
      expect([2, 3, 4], entries[index]?.name).toContain(exitCode);
    }
  });

  test('of a version that is here with other bytes is a conflict', async () => {
    const { archive, target } = await honest();
    await target.save('fraud', 'v1', '--tag', 'mine=yes');
    await target.git('commit', '--quiet', '-m', 'Mine');
    expect(await importing(target, archive)).toMatchObject({ code: 'VERSION_EXISTS', exitCode: 5 });
  });
});
