import { createHash, randomUUID } from 'node:crypto';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { startMoto, startSeaweedFs, type RealS3Server } from '../../../scripts/s3-servers.mjs';
import { objectPath } from '../../../src/storage/object-errors.ts';
import { S3ObjectStore } from '../../../src/storage/s3/object-store.ts';
import type { S3Settings } from '../../../src/storage/s3/sdk.ts';
import { runObjectStoreSuite } from '../../storage/object-store.suite.ts';
import { noise, writeTree } from '../../storage/support/scratch.ts';
import { clone } from '../../storage/support/transfer-fixtures.ts';

const BUCKET = 'interop-bucket';
const MIB = 1024 * 1024;

describe.each([
  ['SeaweedFS', startSeaweedFs],
  ['moto', startMoto],
])('%s', (name, start) => {
  let server: RealS3Server;
  let client: S3Client;

  beforeAll(async () => {
    server = await start(inject('s3Python'));
    const { endpoint, accessKeyId, secretAccessKey } = server;
    const environment = {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_CONFIG_FILE: '/nonexistent',
      AWS_SHARED_CREDENTIALS_FILE: '/nonexistent',
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    };
    for (const [variable, value] of Object.entries(environment)) vi.stubEnv(variable, value);
    const credentials = { accessKeyId, secretAccessKey };
    client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    client.destroy();
    await server.close();
  });

  const warnings: string[] = [];

  function open(prefix: string, settings: Partial<S3Settings> = {}): S3ObjectStore {
    return new S3ObjectStore(
      {
        bucket: BUCKET,
        prefix,
        endpoint: server.endpoint,
        region: undefined,
        profile: undefined,
        pathStyle: true,
        linkLocalAllowed: false,
        ...settings,
      },
      { retry: { attempts: 2, firstDelay: 1 }, warn: (message) => void warnings.push(message) },
    );
  }

  const put = (key: string, bytes: Uint8Array): Promise<unknown> =>
    client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: bytes }));

  runObjectStoreSuite(name, () => {
    const prefix = randomUUID();
    return {
      store: open(prefix),
      damage: async (key, bytes) => void (await put(`${prefix}/${objectPath(key)}`, bytes)),
      visibleBeforeCommit: true,
      onDamaged: 'refuse',
    };
  });

  test('has create-only writes, which is asked and not assumed', async () => {
    expect(await open(randomUUID()).createOnly()).toBe(true);
    expect(warnings).toEqual([]);
  });

  test('lets one of many writers of an object create it, and tells the others that it is there', async () => {
    const prefix = randomUUID();
    const bytes = noise(MIB);
    const key = { kind: 'packs', name: createHash('sha256').update(bytes).digest('hex') } as const;
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => open(prefix).batch().put(key, bytes)));
    expect(outcomes.toSorted()).toEqual([...Array.from({ length: 7 }, () => 'present'), 'stored']);
  });

  test('lists more objects than one page has', async () => {
    const store = open(randomUUID());
    const batch = store.batch();
    const names = await Promise.all(
      Array.from({ length: 1010 }, (_, index) => batch.store('manifests', Buffer.from(`${index}`))),
    );
    await batch.commit();
    const found: string[] = [];
    for await (const info of store.list('manifests')) found.push(info.key.name);
    expect(found.toSorted()).toEqual(names.toSorted());
  });

  test('carries a directory from one clone to another, and what changed when it is pushed again', async () => {
    const remote = open(randomUUID());
    const [from, to] = [clone(), clone()];
    writeTree(`${from.root}/model`, { 'weights.bin': noise(20 * MIB), 'config.json': '{"depth": 3}\n' });
    const first = (await from.store.store('model')).digest;
    const pushed = await from.store.transfer(remote).push([first]);
    expect(pushed.changed).toEqual([first]);
    expect(await from.store.transfer(remote).push([first])).toMatchObject({
      changed: [],
      bytes: { transferred: 0 },
    });
    writeTree(`${from.root}/model`, { 'config.json': '{"depth": 4}\n' });
    const second = (await from.store.store('model')).digest;
    const again = await from.store.transfer(remote).push([second]);
    expect(again.bytes.transferred).toBeLessThan(100_000);
    await to.store.transfer(remote).fetch([first, second]);
    await to.store.verifyArtifact(first);
    await to.store.verifyArtifact(second);
    expect((await from.store.transfer(remote).verify([first, second])).damage).toEqual([]);
  });

  test('that holds other bytes than it was given is found out', async () => {
    const prefix = randomUUID();
    const remote = open(prefix);
    const [from, to] = [clone(), clone()];
    writeTree(`${from.root}/model`, { 'weights.bin': noise(2 * MIB) });
    const { digest } = await from.store.store('model');
    await from.store.transfer(remote).push([digest]);
    for await (const { key, size } of remote.list('packs')) {
      await put(`${prefix}/${objectPath(key)}`, Buffer.alloc(size));
    }
    await expect(to.store.transfer(remote).fetch([digest])).rejects.toMatchObject({ exitCode: 3 });
    expect((await from.store.transfer(remote).verify([digest])).damage).not.toEqual([]);
    await from.store.transfer(remote).push([digest], { repair: true });
    await to.store.transfer(remote).fetch([digest]);
    await to.store.verifyArtifact(digest);
  });

  test('with a bucket that is not there: exit 7 naming bucket and host', async () => {
    const failure = open('x', { bucket: 'no-such-bucket-here' }).stat({
      kind: 'packs',
      name: 'a'.repeat(64),
    });
    const missing = await failure.then(
      (info) => info,
      (error: unknown) => error,
    );
    // HEAD has no body, so a server can't say that the bucket is what is missing; asking for a listing can.
    if (missing !== undefined) expect(missing).toMatchObject({ exitCode: 7 });
    const listing = (async () => {
      for await (const _ of open('x', { bucket: 'no-such-bucket-here' }).list('packs')) break;
    })();
    await expect(listing).rejects.toMatchObject({ exitCode: 7 });
    await expect(listing).rejects.toThrow(/no-such-bucket-here/);
  });

  test('with a wrong secret: exit 7, and nothing is sent', async (ctx) => {
    if (!server.verifiesSignatures) ctx.skip(`${name} takes any signature`);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'wrong');
    try {
      const store = open(randomUUID());
      await expect(store.batch().store('packs', Buffer.from('x'))).rejects.toMatchObject({ exitCode: 7 });
    } finally {
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', server.secretAccessKey);
    }
  });
});
