import type { DocumentStore } from '../../storage/document-store.ts';
import { formatDocument, readFormat } from './format.ts';
import { CONFIG_PATH, FORMAT_PATH, gitPath } from './layout.ts';
import { encodeDocument } from './document.ts';

export interface Initialised {
  /** False when there was a complete repository already. */
  created: boolean;
  /** Paths below the Git root that were written. */
  written: readonly string[];
}

/** The first line takes back what rules further up, such as `data/` or `models/`, say of everything in here. */
export const GITIGNORE = '!*\n/cache/\n/tmp/\n/local.json\n';
export const GITATTRIBUTES = '* -text\n*.json -text eol=lf\n';

/**
 * Creates what a repository needs and leaves what is there as it is, so running it twice, or by two processes at once, ends in
 * the same state. format.json comes last: it says that the rest is there.
 *
 * @throws UsageError `FORMAT_UNSUPPORTED`; LocalIoError; RefusedError `UNSAFE_PATH`
 */
export async function initialise(documents: DocumentStore): Promise<Initialised> {
  const format = formatDocument();
  const files: [string, Uint8Array][] = [
    ['.gitignore', Buffer.from(GITIGNORE)],
    ['.gitattributes', Buffer.from(GITATTRIBUTES)],
    [CONFIG_PATH, encodeDocument({ schema: 'mlops.config/1' })],
    [FORMAT_PATH, format],
  ];
  if ((await documents.read(FORMAT_PATH)) !== undefined) await readFormat(documents);
  const written: string[] = [];
  for (const [path, bytes] of files) {
    if ((await documents.read(path)) === undefined && (await documents.create(path, bytes)))
      written.push(gitPath(path));
  }
  return { created: written.includes(gitPath(FORMAT_PATH)), written };
}
