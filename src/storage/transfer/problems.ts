import { IntegrityError, RefusedError } from '../../errors.ts';
import { printable } from '../../lib/terminal-text.ts';
import type { Manifest } from '../manifest.ts';

/** Names listed in one message. */
const MAX_NAMED = 20;

export interface TransferProblem {
  code: 'OBJECT_MISSING' | 'OBJECT_DAMAGED' | 'REMOTE_OBJECT_MISSING' | 'REMOTE_OBJECT_DAMAGED';
  /** What is wrong, without the name of the artifact. */
  text: string;
}

const PUSH_HINTS: Readonly<Record<TransferProblem['code'], string>> = {
  OBJECT_MISSING:
    'push them from the clone that has them, bring them back with `mlops pull` or save them again',
  OBJECT_DAMAGED: 'replace the damaged objects: mlops verify --repair',
  REMOTE_OBJECT_MISSING: 'run the same command again',
  REMOTE_OBJECT_DAMAGED: 'replace what is damaged there: mlops push --repair',
};

/** What kept single artifacts from being moved while the others were. */
export class Problems {
  readonly #nameOf: (digest: string) => string;
  readonly #byDigest = new Map<string, TransferProblem[]>();

  constructor(nameOf: (digest: string) => string = (digest) => digest) {
    this.#nameOf = nameOf;
  }

  add(digest: string, problem: TransferProblem): void {
    this.#byDigest.set(digest, [...(this.#byDigest.get(digest) ?? []), problem]);
  }

  has(digest: string): boolean {
    return this.#byDigest.has(digest);
  }

  /** What ends everything, with the name of the artifact before it, which tells more than its digest. */
  named(digest: string, error: RefusedError): RefusedError {
    const { code, message, hint } = error;
    return new RefusedError(code, `${printable(this.#nameOf(digest))}: ${message}`, {
      cause: error,
      ...(hint === undefined ? {} : { hint }),
    });
  }

  /** @throws IntegrityError naming each artifact that was not pushed, or in a dry run would not be */
  throwIfAnyOfPush(dryRun: boolean): void {
    const [what, rest] = dryRun
      ? ['would not be pushed:', 'the others would be pushed']
      : ['not pushed:', 'the others were pushed'];
    const hints = Object.entries(PUSH_HINTS).map(([code, hint]) => [code, `${hint}; ${rest}`]);
    this.throwIfAny(what, Object.fromEntries(hints) as typeof PUSH_HINTS);
  }

  /** @throws IntegrityError naming each artifact; damage tells more than absence, so its code wins */
  throwIfAny(what: string, hints: Readonly<Record<TransferProblem['code'], string>>): void {
    const all = [...this.#byDigest.values()].flat();
    const worst = all.find(({ code }) => code.endsWith('DAMAGED')) ?? all[0];
    if (worst === undefined) return;
    const lines = [...this.#byDigest].map(
      ([digest, problems]) =>
        `${printable(this.#nameOf(digest))}: ${listed([...new Set(problems.map(({ text }) => text))])}`,
    );
    throw new IntegrityError(worst.code, `${what} ${listed(lines)}`, { hint: hints[worst.code] });
  }
}

function listed(texts: readonly string[]): string {
  const more = texts.length > MAX_NAMED ? `; and ${texts.length - MAX_NAMED} more` : '';
  return texts.slice(0, MAX_NAMED).join('; ') + more;
}

/** Names of the files that need one of these blobs. */
export function filesNeeding({ files }: Manifest, blobs: ReadonlySet<string>): string {
  const names = files
    .filter((file) => file.blobs.some((id) => blobs.has(id)))
    .map(({ path }) => (path === '' ? 'the file' : printable(path)));
  const more = names.length > MAX_NAMED ? ` and ${names.length - MAX_NAMED} more` : '';
  return names.slice(0, MAX_NAMED).join(', ') + more;
}

/** What concerns one artifact only. Anything else ends the push. */
export function problemOfPush(error: unknown): TransferProblem {
  if (!(error instanceof IntegrityError)) throw error;
  const { code, message } = error;
  if (code === 'OBJECT_MISSING' || code === 'REMOTE_OBJECT_DAMAGED' || code === 'REMOTE_OBJECT_MISSING')
    return { code, text: message };
  const text =
    code === 'OBJECT_ALTERED' ? message.replace(/: the bytes changed.*/s, ' is damaged here') : message;
  return { code: 'OBJECT_DAMAGED', text };
}
