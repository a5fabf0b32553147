import { dirname } from 'node:path';
import { isWrite, type Call } from './strace.ts';

/**
 * What a power loss could destroy, read from the system calls of a run: a file that got its name before its bytes were
 * flushed, a name that was not flushed before something refers to it or before success is reported.
 */
export interface DurabilityReport {
  violations: string[];
  /** Kinds of what got its name, in order, each once in a row: `packs`, `manifests`, `versions`, `events`, `stages`, `pending`. */
  named: string[];
}

/** Each kind is durable before the next gets its name (docs/format.md 5.5). */
const RANK: Readonly<Record<string, number>> = {
  packs: 0,
  manifests: 1,
  model: 2,
  versions: 2,
  pending: 2,
  events: 3,
  stages: 4,
};

export function lintDurability(calls: readonly Call[], root: string): DurabilityReport {
  const lint = new Lint(`${root}/.mlops/`);
  for (const call of calls) if (!call.result.startsWith('-1')) lint.see(call);
  lint.finish('the end');
  return { violations: lint.violations, named: lint.named };
}

class Lint {
  readonly violations: string[] = [];
  readonly named: string[] = [];
  readonly #top: string;
  readonly #flushed = new Set<string>();
  /** Names that their directory does not hold durably yet: path to kind. */
  readonly #loose = new Map<string, string>();

  constructor(top: string) {
    this.#top = top;
  }

  see(call: Call): void {
    const { name, path = '', paths } = call;
    if (name.startsWith('write') && call.args.startsWith('1<') && !call.args.includes('""'))
      this.finish('success was reported');
    if (!path.startsWith(this.#top)) return;
    if (/^f(data)?sync$/.test(name)) this.#sync(path);
    else if (name.startsWith('rename') || name.startsWith('link')) this.#name(paths[0] ?? '', paths[1] ?? '');
    else if (name.startsWith('mkdir')) this.#loosen(path, this.#kindOf(path) ?? 'directory');
    else if (name.startsWith('unlink')) this.#loose.delete(path);
    else if (isWrite(call)) this.#flushed.delete(path);
  }

  finish(when: string): void {
    for (const [path, kind] of this.#loose)
      this.violations.push(`the name of ${kind} ${this.#short(path)} was not flushed when ${when}`);
    this.#loose.clear();
  }

  #sync(path: string): void {
    this.#flushed.add(path);
    for (const loose of this.#loose.keys()) if (dirname(loose) === path) this.#loose.delete(loose);
  }

  #name(from: string, to: string): void {
    const kind = this.#kindOf(to);
    if (kind === undefined) return;
    if (!this.#flushed.has(from))
      this.violations.push(`${kind} ${this.#short(to)} got its name before its bytes were flushed`);
    const rank = RANK[kind] ?? 0;
    for (const [path, before] of this.#loose) {
      const earlier = RANK[before] ?? -1;
      if (earlier < rank)
        this.violations.push(
          `${kind} got its name before that of ${before} ${this.#short(path)} was flushed`,
        );
    }
    const last = RANK[this.named.at(-1) ?? ''] ?? -1;
    if (rank < last) this.violations.push(`${kind} came after ${this.named.at(-1)}`);
    if (this.named.at(-1) !== kind) this.named.push(kind);
    this.#loosen(to, kind);
  }

  #loosen(path: string, kind: string): void {
    // Indexes can be made again, and the lock means nothing after a power loss.
    if (!/\/(cache\/index|tmp\/lock)/.test(path)) this.#loose.set(path, kind);
  }

  #kindOf(path: string): string | undefined {
    const parts = this.#short(path).split('/');
    if (parts[0] === 'cache') return parts[1] === 'packs' || parts[1] === 'manifests' ? parts[1] : undefined;
    if (parts[0] === 'tmp') return parts[1] === 'pending.json' ? 'pending' : undefined;
    if (parts[0] === 'models') return parts[2] === 'model.json' ? 'model' : parts[2];
    return undefined;
  }

  #short(path: string): string {
    return path.slice(this.#top.length);
  }
}
