import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { assertListingComplete } from '../../src/storage/s3/list-page.ts';

const LIST = { method: 'GET', query: { 'list-type': '2' } };
const PAGE =
  '<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a</Key></Contents><Contents><Key>b</Key></Contents></ListBucketResult>';
const answer = (text: string): { statusCode: number; body: unknown } => ({
  statusCode: 200,
  body: Readable.from([Buffer.from(text)]),
});

// The parser of today's SDK refuses all of these too; others have taken the beginning of a document for the whole.
test.each(['</Contents>', '<Key>b', '</ListBucketResult>', '>'])(
  'a listing that is cut before its last %s is none',
  async (at) => {
    const cut = PAGE.slice(0, PAGE.lastIndexOf(at));
    await expect(assertListingComplete(LIST, answer(cut))).rejects.toThrow('the listing has no end');
  },
);

test.each([PAGE, `${PAGE}\n`, PAGE.replaceAll('ListBucketResult', 's3:ListBucketResult')])(
  'a listing with its end passes, and keeps its bytes',
  async (text) => {
    const response = answer(text);
    await assertListingComplete(LIST, response);
    expect(Buffer.from(response.body as Uint8Array).toString()).toBe(text);
  },
);

test.each([
  ['an error', LIST, 404],
  ['an object', { method: 'GET', query: {} }, 200],
])('%s is not looked at', async (_what, request, statusCode) => {
  await assertListingComplete(request, { ...answer('no xml'), statusCode });
});
