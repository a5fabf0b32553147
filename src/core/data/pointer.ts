import * as z from 'zod';
import { ConflictError, IntegrityError, RefusedError } from '../../errors.ts';
import type { JsonValue } from '../../lib/canonical-json.ts';
import { foldsToMlopsDirectory, unsafePathProblem } from '../../lib/safe-path.ts';
import { shellWord } from '../../lib/shell-word.ts';
import { printable } from '../../lib/terminal-text.ts';
import { encodeChecked, parseDocument } from '../repository/document.ts';
import { DATA_DIRECTORY, gitPath } from '../repository/layout.ts';

/** docs/format.md section 5.6. Loose, because a newer program may add members. */
const PointerDocument = z.lazy(() =>
  z.looseObject({
    schema: z.literal('mlops.data/1'),
    path: z.string().max(4096),
    digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
    kind: z.enum(['file', 'directory']),
    size: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
    files: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
  }),
);

/** What a path of the work tree holds, whose bytes are kept as an artifact and not in Git. */
export interface DataPointer {
  /** Relative to the Git root, `/` between the parts; proved safe to join to it, except for links that lie there now. */
  readonly path: string;
  /** `sha256:<64 hex>` of the artifact. */
  readonly digest: string;
  readonly kind: 'file' | 'directory';
  /** Bytes of its files. */
  readonly size: number;
  readonly files: number;
}

/** Why no data may be tracked at this path, or undefined. Links on the way to it are another question: see `safeJoin`. */
export function trackablePathProblem(path: string): string | undefined {
  const problem = unsafePathProblem(path);
  if (problem !== undefined) return problem;
  return path.split('/').some(foldsToMlopsDirectory)
    ? 'a part of it may name the ".mlops" directory'
    : undefined;
}

/**
 * One pointer, from the work tree or from a commit.
 *
 * @param place path of the file below `.mlops`: `data/<path>.json`
 * @throws RefusedError `UNSAFE_PATH`; IntegrityError `POINTER_MISPLACED`; and whatever `parseDocument` throws
 */
export function parsePointer(bytes: Uint8Array, place: string): DataPointer {
  const file = gitPath(place);
  const spelled = spelledPath(place);
  const { path, digest, kind, size, files } = parseAdvising(bytes, { file, spelled });
  for (const each of [path, spelled]) {
    const problem = trackablePathProblem(each);
    if (problem === undefined) continue;
    throw new RefusedError(
      'UNSAFE_PATH',
      `${printable(file)} points to "${shorten(printable(each))}": ${problem}`,
      { hint: `nothing was written; find out who added it: git log -- ${shellWord(file)}` },
    );
  }
  if (path !== spelled) {
    throw new IntegrityError(
      'POINTER_MISPLACED',
      `${printable(file)} is about "${shorten(printable(path))}", so it was moved or copied by hand`,
      { hint: `restore it from Git: git checkout HEAD -- ${shellWord(file)}` },
    );
  }
  return { path, digest, kind, size, files };
}

/** Says of a merge conflict what settles a pointer that two branches moved. @throws as `parseDocument` */
function parseAdvising(
  bytes: Uint8Array,
  { file, spelled }: { file: string; spelled: string },
): z.output<typeof PointerDocument> {
  try {
    return parseDocument(bytes, PointerDocument, { path: file, canonical: true });
  } catch (error) {
    if (!(error instanceof ConflictError) || error.code !== 'MERGE_CONFLICT') throw error;
    const word = shellWord(spelled);
    throw new ConflictError('MERGE_CONFLICT', error.message, {
      hint: `choose a side: git checkout --ours -- ${shellWord(file)} (or --theirs), then mlops checkout ${word}; or keep what lies there now: mlops data add ${word}`,
      cause: error,
      retryable: false,
    });
  }
}

/** @throws UsageError `LIMIT_EXCEEDED` for what a reader would refuse */
export function encodePointer(pointer: DataPointer): Uint8Array {
  const { path, digest, kind, size, files } = pointer;
  const document: JsonValue = { schema: 'mlops.data/1', path, digest, kind, size, files };
  return encodeChecked(document, PointerDocument, 'the pointer');
}

/** The path that the place of a pointer below `.mlops` stands for. */
export function spelledPath(place: string): string {
  return place.slice(DATA_DIRECTORY.length + 1, -'.json'.length);
}

function shorten(text: string): string {
  return text.length <= 200 ? text : `${text.slice(0, 200)}…`;
}
