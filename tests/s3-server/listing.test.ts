import {
  ListObjectsCommand,
  type ListObjectsCommandOutput,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import type { S3Server } from '../support/s3-server/server.ts';
import { failure, rawRequest, sdkClient, testServer } from './client.ts';

/** Keys and common prefixes, page by page. */
async function pages(
  server: S3Server,
  client: S3Client,
  input: Partial<ListObjectsV2CommandInput> = {},
): Promise<string[][]> {
  const all: string[][] = [];
  for (let token: string | undefined, more = true; more;) {
    const page = await client.send(
      new ListObjectsV2Command({
        Bucket: server.bucket,
        ...input,
        ...(token === undefined ? {} : { ContinuationToken: token }),
      }),
    );
    const keys = (page.Contents ?? []).map(({ Key }) => Key ?? '');
    const prefixes = (page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix ?? '');
    expect(page.KeyCount).toBe(keys.length + prefixes.length);
    all.push([...keys, ...prefixes]);
    more = page.IsTruncated === true;
    token = page.NextContinuationToken;
    expect(token !== undefined).toBe(more);
  }
  return all;
}

async function filled(keys: readonly string[], pageSize = 1000) {
  const server = await testServer({ pageSize });
  for (const key of keys) server.objects.put(key, key);
  return { server, client: sdkClient(server) };
}

describe('a listing', () => {
  test('comes in pages, in the order of UTF-8 bytes', async () => {
    // In UTF-16 the last two stand the other way round.
    const keys = ['A', 'a', 'a/b', 'b', 'z', 'é', '\u{FF5E}', '\u{1F600}'];
    const { server, client } = await filled(keys.toReversed(), 3);
    expect(await pages(server, client)).toEqual([keys.slice(0, 3), keys.slice(3, 6), keys.slice(6)]);
    expect(await pages(server, client, { MaxKeys: 5 })).toHaveLength(3);
    expect((await pages(server, client, { MaxKeys: 2 }))[0]).toEqual(['A', 'a']);
    expect(await pages(server, client, { MaxKeys: 0 })).toEqual([[]]);
  });

  test('is cut down by prefix and start', async () => {
    const { server, client } = await filled(['a', 'b/1', 'b/2', 'b/3', 'ba', 'c'], 2);
    expect((await pages(server, client, { Prefix: 'b/' })).flat()).toEqual(['b/1', 'b/2', 'b/3']);
    expect((await pages(server, client, { StartAfter: 'b/2' })).flat()).toEqual(['b/3', 'ba', 'c']);
    expect((await pages(server, client, { Prefix: 'b/', StartAfter: 'b/1' })).flat()).toEqual(['b/2', 'b/3']);
    expect((await pages(server, client, { Prefix: 'b/', StartAfter: 'a' })).flat()).toEqual([
      'b/1',
      'b/2',
      'b/3',
    ]);
    expect((await pages(server, client, { Prefix: 'none' })).flat()).toEqual([]);
  });

  test.each([1, 2, 3, 1000])('rolls up what has the delimiter, with pages of %i', async (pageSize) => {
    const keys = ['a', 'd/1', 'd/2', 'd/sub/1', 'e', 'f/1', 'g'];
    const { server, client } = await filled(keys, pageSize);
    const top = (await pages(server, client, { Delimiter: '/' })).flat();
    expect(top.sort()).toEqual(['a', 'd/', 'e', 'f/', 'g']);
    const below = (await pages(server, client, { Delimiter: '/', Prefix: 'd/' })).flat();
    expect(below.sort()).toEqual(['d/1', 'd/2', 'd/sub/']);
  });

  test('encodes names on request and survives those that XML has no room for', async () => {
    const { server, client } = await filled(['a b+c/&<>"', '%41', 'new\u0001line', 'é']);
    const encoded = await client.send(
      new ListObjectsV2Command({ Bucket: server.bucket, EncodingType: 'url', Delimiter: '|' }),
    );
    expect(encoded.Contents?.map(({ Key }) => Key)).toEqual([
      '%2541',
      'a%20b%2Bc/%26%3C%3E%22',
      'new%01line',
      '%C3%A9',
    ]);
    expect(encoded).toMatchObject({ EncodingType: 'url', Delimiter: '%7C' });
    server.objects.delete('new\u0001line');
    expect((await pages(server, client)).flat()).toEqual(['%41', 'a b+c/&<>"', 'é']);
  });

  test('tells size, ETag and time of each object', async () => {
    const { server, client } = await filled([]);
    server.objects.put('k', 'bytes', Date.parse('2030-01-02T03:04:05.678Z'));
    const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: server.bucket }));
    expect(Contents).toEqual([
      {
        Key: 'k',
        Size: 5,
        ETag: '"4b3a6218bb3e3a7303e8a171a60fcf92"',
        LastModified: new Date('2030-01-02T03:04:05.678Z'),
        StorageClass: 'STANDARD',
      },
    ]);
  });

  test('has the older form too', async () => {
    const { server, client } = await filled(['a', 'd/1', 'd/2', 'e', 'f'], 2);
    const seen: string[] = [];
    for (let Marker: string | undefined = '', more = true; more;) {
      const page: ListObjectsCommandOutput = await client.send(
        new ListObjectsCommand({ Bucket: server.bucket, Delimiter: '/', Marker }),
      );
      seen.push(...(page.Contents ?? []).map(({ Key }) => Key ?? ''));
      seen.push(...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix ?? ''));
      more = page.IsTruncated === true;
      Marker = page.NextMarker;
    }
    expect(seen.sort()).toEqual(['a', 'd/', 'e', 'f']);
  });

  test.each(['continuation-token=bogus', 'max-keys=-1', 'max-keys=x', 'encoding-type=other', 'list-type=3'])(
    'is refused for %s',
    async (query) => {
      const { server } = await filled(['k']);
      const rest = query.startsWith('list-type') ? query : `list-type=2&${query}`;
      const answer = await rawRequest(server, { target: `/test-bucket?${rest}` });
      expect(answer).toMatchObject({ status: 400, code: 'InvalidArgument' });
    },
  );

  test('of a bucket that is not there fails', async () => {
    const { client } = await filled([]);
    expect(await failure(client.send(new ListObjectsV2Command({ Bucket: 'other' })))).toBe(
      'NoSuchBucket 404',
    );
  });
});
