import { S3Error } from './errors.ts';
import type { S3Request } from './request.ts';
import type { Settings } from './settings.ts';
import type { StoredObject } from './store.ts';

/**
 * If-Match and If-None-Match of a read.
 * @returns false when the client already has it (304).
 * @throws S3Error `PreconditionFailed`.
 */
export function checkReadConditions(request: S3Request, object: StoredObject): boolean {
  const match = request.header('if-match');
  if (match !== undefined && !matches(match, object.etag)) throw preconditionFailed('If-Match');
  const noneMatch = request.header('if-none-match');
  return noneMatch === undefined || !matches(noneMatch, object.etag);
}

/**
 * If-Match and If-None-Match of a write. To be called with no await between it and the write.
 * @throws S3Error `PreconditionFailed`, `NoSuchKey` for If-Match where there is nothing, `NotImplemented` for what S3 or this
 * store does not offer.
 */
export function checkWriteConditions(
  request: S3Request,
  existing: StoredObject | undefined,
  settings: Settings,
): void {
  const match = request.header('if-match');
  const noneMatch = request.header('if-none-match');
  if (settings.conditionalWrites === 'ignored' || (match === undefined && noneMatch === undefined)) return;
  if (settings.conditionalWrites === 'not-implemented' || (noneMatch !== undefined && noneMatch !== '*')) {
    throw new S3Error(
      'NotImplemented',
      'A header you provided implies functionality that is not implemented',
      {
        Header: noneMatch === undefined ? 'If-Match' : 'If-None-Match',
      },
    );
  }
  if (noneMatch !== undefined && existing !== undefined) throw preconditionFailed('If-None-Match');
  if (match === undefined) return;
  if (existing === undefined) throw noSuchKey(request.key);
  if (!matches(match, existing.etag)) throw preconditionFailed('If-Match');
}

export function noSuchKey(key: string): S3Error {
  return new S3Error('NoSuchKey', 'The specified key does not exist.', { Key: key });
}

function matches(header: string, etag: string): boolean {
  const tags = header.split(',').map((tag) => tag.trim().replace(/^"(.*)"$/, '$1'));
  return tags.includes('*') || tags.includes(etag);
}

function preconditionFailed(condition: string): S3Error {
  return new S3Error('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', {
    Condition: condition,
  });
}
