import * as z from 'zod';
import { UsageError } from '../../errors.ts';
import type { DocumentStore } from '../../storage/document-store.ts';
import { encodeDocument, parseDocument } from './document.ts';
import { FORMAT_PATH, gitPath } from './layout.ts';

export const FORMAT_VERSION = 1;

/** Features beyond version 1 that this program can write; none yet. */
const KNOWN_FEATURES: ReadonlySet<string> = new Set();

const FormatDocument = z.lazy(() =>
  z.looseObject({
    schema: z.literal('mlops.format/1'),
    version: z.number().int().min(1),
    requiredFeatures: z.array(z.string().max(100)).max(100),
  }),
);

export function formatDocument(): Uint8Array {
  return encodeDocument({ schema: 'mlops.format/1', version: FORMAT_VERSION, requiredFeatures: [] });
}

/**
 * @returns the features that forbid writing; empty when all is known
 * @throws UsageError `NOT_A_REPOSITORY` when there is no format.json, `FORMAT_UNSUPPORTED` for a newer version
 */
export async function readFormat(documents: DocumentStore): Promise<{ unknownFeatures: readonly string[] }> {
  const bytes = await documents.read(FORMAT_PATH);
  if (bytes === undefined) {
    throw new UsageError(
      'NOT_A_REPOSITORY',
      `${gitPath(FORMAT_PATH)} is missing, so this .mlops directory is not complete`,
      {
        hint: 'run `mlops init`',
      },
    );
  }
  return parseFormat(bytes);
}

function parseFormat(bytes: Uint8Array): { unknownFeatures: readonly string[] } {
  // What `init` writes is what nearly every repository has, and comparing it takes no schema.
  if (Buffer.compare(bytes, formatDocument()) === 0) return { unknownFeatures: [] };
  const format = parseDocument(bytes, FormatDocument, { path: gitPath(FORMAT_PATH), canonical: false });
  if (format.version > FORMAT_VERSION) {
    throw new UsageError(
      'FORMAT_UNSUPPORTED',
      `${gitPath(FORMAT_PATH)} says format version ${format.version}; this program knows up to ${FORMAT_VERSION}`,
      { hint: 'install a newer mlops; nothing was changed' },
    );
  }
  return { unknownFeatures: format.requiredFeatures.filter((feature) => !KNOWN_FEATURES.has(feature)) };
}

/**
 * For whoever has to understand every document of a commit, and not only those that were asked for.
 * @throws UsageError `FORMAT_UNSUPPORTED` for a newer version, or one that needs a feature this program does not know
 */
export function assertFormatKnown(bytes: Uint8Array): void {
  assertWritable(parseFormat(bytes).unknownFeatures);
}

/** @throws UsageError `FORMAT_UNSUPPORTED` */
export function assertWritable(unknownFeatures: readonly string[]): void {
  if (unknownFeatures.length === 0) return;
  throw new UsageError(
    'FORMAT_UNSUPPORTED',
    `this repository needs features that this program can't write: ${unknownFeatures.slice(0, 5).join(', ')}`,
    { hint: 'install a newer mlops; nothing was changed' },
  );
}
