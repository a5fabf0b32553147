import { invalidAnswer } from './failure.ts';
import type { RequestParts, S3Requests } from './requests.ts';

interface Listed {
  /** Key without what was asked for as `top`. */
  name: string;
  size: number;
  modified: number | undefined;
}

interface Page {
  entries: readonly Listed[];
  next: string | undefined;
}

/**
 * Every key below `top` whose rest begins with `start`. Fails rather than end early: a page that contradicts itself, a page that comes
 * again, a missing continuation.
 */
export async function* listPages(
  requests: S3Requests,
  { top, start }: { top: string; start: string },
): AsyncIterable<Listed> {
  const tokens = new Set<string>();
  const firstNames = new Set<string>();
  let token: string | undefined;
  do {
    const asked = token;
    const page: Page = await requests.run({
      operation: 'ListObjectsV2',
      send: async (parts) => {
        const found = await readPage(requests.bucket, { top, start, token: asked, parts });
        const [first] = found.entries;
        const again =
          (found.next !== undefined && (found.next === asked || tokens.has(found.next))) ||
          (first !== undefined && firstNames.has(first.name));
        if (again) throw invalidAnswer('the listing goes round in circles', parts.failed);
        return found;
      },
    });
    const [first] = page.entries;
    if (first !== undefined) firstNames.add(first.name);
    if (page.next !== undefined) tokens.add(page.next);
    yield* page.entries;
    token = page.next;
  } while (token !== undefined);
}

async function readPage(
  bucket: string,
  {
    top,
    start,
    token,
    parts: { sdk, client, options, failed },
  }: { top: string; start: string; token: string | undefined; parts: RequestParts },
): Promise<Page> {
  const output = await client.send(
    new sdk.ListObjectsV2Command({
      Bucket: bucket,
      Prefix: `${top}${start}`,
      ...(token === undefined ? {} : { ContinuationToken: token }),
    }),
    options,
  );
  const {
    Contents: contents = [],
    KeyCount: count,
    IsTruncated: truncated,
    NextContinuationToken: next,
  } = output;
  if (truncated === undefined) throw invalidAnswer('the listing does not say whether it is complete', failed);
  if (count !== undefined && count !== contents.length) {
    throw invalidAnswer(`the listing holds ${contents.length} of ${count} entries`, failed);
  }
  if (truncated && (next === undefined || next === '')) {
    throw invalidAnswer('the listing is cut and does not say how to go on', failed);
  }
  const entries = contents.map(({ Key: key, Size: size, LastModified: modified }) => {
    if (key === undefined || size === undefined || !Number.isSafeInteger(size) || size < 0) {
      throw invalidAnswer('an entry of the listing has no key or no size', failed);
    }
    if (!key.startsWith(`${top}${start}`)) {
      throw invalidAnswer('the listing holds keys that were not asked for', failed);
    }
    const time = modified?.getTime();
    const known = time !== undefined && !Number.isNaN(time);
    return { name: key.slice(top.length), size, modified: known ? time : undefined };
  });
  return { entries, next: truncated ? next : undefined };
}
