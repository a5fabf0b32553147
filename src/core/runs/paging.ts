import { createHash } from 'node:crypto';
import { UsageError } from '../../errors.ts';

export interface PageRequest {
  /** Default all. */
  maxResults: number | undefined;
  pageToken: string | undefined;
  /** What the items were found by; a token of another search is refused. */
  search: unknown;
}

/** One page of a list, and the token that gets the next one; undefined when there is none. @throws UsageError `PAGE_TOKEN_INVALID` */
export function page<T>(
  items: readonly T[],
  { maxResults = Infinity, pageToken, search }: PageRequest,
): { items: readonly T[]; nextPageToken: string | undefined } {
  const start = pageToken === undefined ? 0 : readPageToken(pageToken, search);
  const end = start + maxResults;
  return {
    items: items.slice(start, end),
    nextPageToken: end < items.length ? pageTokenOf(end, search) : undefined,
  };
}

/** @param position where the next page starts */
export function pageTokenOf(position: number, search: unknown): string {
  return Buffer.from(`${position}.${fingerprint(search)}`).toString('base64url');
}

/** @throws UsageError `PAGE_TOKEN_INVALID` for what is no token, or one of another search */
export function readPageToken(token: string, search: unknown): number {
  const [, position, mark] =
    /^(\d{1,15})\.([0-9a-f]{16})$/.exec(Buffer.from(token, 'base64url').toString()) ?? [];
  if (position !== undefined && mark === fingerprint(search)) return Number(position);
  throw new UsageError('PAGE_TOKEN_INVALID', 'the page token is none of this search', {
    hint: 'start with the first page, and change nothing but the token for the next one',
  });
}

function fingerprint(search: unknown): string {
  return createHash('sha256').update(JSON.stringify(search)).digest('hex').slice(0, 16);
}
