import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { canonicalJson } from '../../src/lib/canonical-json.ts';
import { Encoding, PackBuilder } from '../../src/storage/pack.ts';
import { Layout } from '../../src/storage/transfer/layout.ts';
import { observed, sharedRepository } from '../support/fault-repository.ts';
import {
  keysOf,
  objectsHere,
  PREFIX,
  pushedContents,
  remoteCase,
  saveThird,
  type RemoteCase,
} from '../support/fault-remote.ts';
import { sha256 } from '../support/invariants.ts';

const shared = sharedRepository();
let complete: ReadonlyMap<string, Buffer>;
beforeAll(async () => {
  await saveThird(shared());
  complete = await pushedContents(shared());
});

const CONTENT = Buffer.from('written where it must not be');

/** Makes the third version one whose manifest on the remote, which hashes to what Git says, names this path. */
async function forge({ repository, server }: RemoteCase, path: string): Promise<void> {
  const id = sha256(CONTENT);
  const manifest = Buffer.from(
    canonicalJson({
      files: [{ path, sha256: id, size: CONTENT.length }],
      kind: 'directory',
      schema: 'mlops.manifest/1',
    }),
  );
  const builder = new PackBuilder();
  const entry = { id, length: CONTENT.length, storedLength: CONTENT.length, encoding: Encoding.raw };
  builder.add(entry, CONTENT);
  const pack = Buffer.from(builder.finish());
  const put = (kind: string, name: string, bytes: Uint8Array): void =>
    server.objects.put(`${PREFIX}${kind}/${name.slice(0, 2)}/${name}`, bytes);
  const locations = builder.entries.map((each) => ({ ...each, pack: sha256(pack), packSize: pack.length }));
  const layout = Layout.build(sha256(manifest), locations);
  put('packs', sha256(pack), pack);
  put('manifests', sha256(manifest), manifest);
  put('layouts', layout.name, layout.bytes);
  const versions = join(repository.root, '.mlops/models/demo/versions');
  const old = await readFile(join(versions, 'v3.json'), 'utf8');
  const digest = (JSON.parse(old) as { digest: string }).digest;
  const changed = old.replaceAll(digest, `sha256:${sha256(manifest)}`);
  await writeFile(join(versions, 'v3.json'), changed);
  // The event that registered it vouches for the record; whoever can write to a repository can write both.
  const events = join(repository.root, '.mlops/models/demo/events');
  for (const name of await readdir(events)) {
    const text = await readFile(join(events, name), 'utf8');
    if (!text.includes(sha256(old))) continue;
    const event = text
      .replaceAll(sha256(old), sha256(changed))
      .replaceAll(digest, `sha256:${sha256(manifest)}`);
    await rm(join(events, name));
    await writeFile(join(events, `${name.slice(0, -21)}${sha256(event).slice(0, 16)}.json`), event);
  }
}

describe('a manifest on the remote that names a path outside (C18)', () => {
  test.for([
    '../../x',
    '/etc/x',
    String.raw`C:\x`,
    'C:/x',
    String.raw`\\srv\share\x`,
    'a\u0000b',
    '.git/hooks/post-checkout',
    'sub/../../x',
    '.GIT/config',
  ])('%j: exit 4, nothing is written', async (path) => {
    const at = await remoteCase(shared(), { contents: complete, empty: true });
    await forge(at, path);
    const around = dirname(at.repository.root);
    const names = (await readdir(around)).toSorted();
    const fetched = await at.fails(4, 'fetch', 'demo@v3');
    expect(fetched.code).toBe('UNSAFE_PATH');
    expect(fetched.message).toMatch(/^demo@v3: manifest sha256:[0-9a-f]{64} names an unsafe path/);
    expect(fetched.hint).toContain('nothing was written');
    expect(objectsHere(at.repository, 'packs')).toEqual([]);
    expect(objectsHere(at.repository, 'manifests')).toEqual([]);
    expect((await at.fails(4, 'load', 'demo@v3', '-o', 'out')).code).toBe('UNSAFE_PATH');
    expect((await readdir(around)).toSorted()).toEqual(names);
  });
});

describe('gc --evict does not believe what a remote says of itself (B12)', () => {
  test.for(['other bytes', 'another size', 'nothing'] as const)('%s behind a good answer', async (how) => {
    const at = await remoteCase(shared(), { contents: complete });
    const before = observed(at.repository);
    for (const key of keysOf(at.server.objects, 'packs')) {
      if (how === 'other bytes') at.server.objects.flip(key, 20);
      if (how === 'another size') at.server.objects.truncate(key, 20);
      if (how === 'nothing') at.server.objects.delete(key);
    }
    const error = await at.fails(3, 'gc', '--evict', '--yes', '--grace', '0');
    expect(error).toMatchObject({ code: 'REMOTE_OBJECT_DAMAGED' });
    expect(error.message).toMatch(/remote "origin" .*nothing was removed/);
    expect([...observed(at.repository).objects]).toEqual([...before.objects]);
  });
});
