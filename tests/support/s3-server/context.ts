import { type Body, memoryBody, memorySink, readAll } from './body.ts';
import { S3Error } from './errors.ts';
import type { Fault } from './faults.ts';
import type { Operation, S3Request } from './request.ts';
import { type Received, type RequestBody, receive } from './request-body.ts';
import type { Settings } from './settings.ts';
import type { Authenticated } from './signature.ts';
import type { Store } from './store.ts';
import { type XmlNode, renderXml } from './xml.ts';

/** All an operation may look at. */
export interface Context {
  readonly request: S3Request;
  readonly operation: Operation;
  readonly wire: RequestBody;
  readonly authenticated: Authenticated;
  readonly settings: Settings;
  readonly store: Store;
  /** The fault this request was picked for, where the operation itself has to be the one that goes wrong. */
  readonly fault: Fault | undefined;
}

/** What is sent back; Content-Length is the size of the body. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Body;
}

export const NO_BODY: Body = memoryBody([]);

export function xmlReply(root: XmlNode, headers: Readonly<Record<string, string>> = {}): Reply {
  return {
    status: 200,
    headers: { 'content-type': 'application/xml', ...headers },
    body: memoryBody([renderXml(root)]),
  };
}

/** Reads and checks the body of an upload. */
export async function receiveUpload(context: Context): Promise<Received> {
  const md5 = context.settings.etags === 'md5';
  return receive({ ...context, md5 }, await context.store.sink());
}

/** Reads and checks a body that is a document, or none at all: an operation without a body gets signed for an empty one. */
export async function receiveDocument(context: Context): Promise<Buffer> {
  const { body } = await receive({ ...context, md5: false }, memorySink());
  if (body.size > 2 * 1024 * 1024) throw new S3Error('MalformedXML', 'The XML you provided is too large.');
  return readAll(body);
}
