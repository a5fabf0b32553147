import { collectBody, type Body } from './body.ts';

/** 1,000 entries of at most 1,024 bytes of key each, with room for what else they say. */
const MAX_PAGE_BYTES = 16 * 1024 * 1024;

/**
 * A parser may take the beginning of a document for the whole, and half a listing looks like a store that lost objects: the end of
 * the answer to `ListObjectsV2` must have come. Leaves the body as bytes.
 */
export async function assertListingComplete(
  request: unknown,
  response: { statusCode: number; body?: unknown },
): Promise<void> {
  const { method, query } = request as { method?: string; query?: Record<string, unknown> };
  if (method !== 'GET' || query?.['list-type'] !== '2' || response.statusCode !== 200) return;
  const bytes = await collectBody(response.body as Body, { limit: MAX_PAGE_BYTES });
  response.body = bytes;
  if (/<\/(?:[A-Za-z0-9]+:)?ListBucketResult>\s*$/.test(Buffer.from(bytes).toString('utf8'))) return;
  throw Object.assign(new Error('the listing has no end'), { $metadata: {} });
}
