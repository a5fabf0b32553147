/** A reason why an artifact is kept, as commands show it. */
interface ShownKeeper {
  kind: string;
  name: string;
  from: readonly { kind: string; name: string }[];
}

const SOURCES: Readonly<Record<string, string>> = {
  files: 'this work tree',
  index: 'staged changes',
  branch: 'branch',
  'remote-branch': 'remote branch',
  tag: 'tag',
  stash: 'stash',
  worktree: 'work tree',
  other: 'ref',
  reflog: 'reflog of',
  hold: 'hold:',
};
const MOST_SOURCES = 4;

/** `version fraud@v1 (branch main, tag v1 and 3 more)`. May hold anything that a ref may be called. */
export function describeKeeper({ kind, name, from }: ShownKeeper): string {
  const sources = from.slice(0, MOST_SOURCES).map((source) => {
    return `${SOURCES[source.kind] ?? source.kind} ${source.name}`.trim();
  });
  const more = from.length > MOST_SOURCES ? ` and ${from.length - MOST_SOURCES} more` : '';
  const what = kind === 'hold' ? 'hold' : `${WHAT[kind] ?? kind} ${name}`;
  return `${what} (${sources.join(', ')}${more})`;
}

const WHAT: Readonly<Record<string, string>> = {
  version: 'version',
  lineage: 'lineage of',
  stage: 'stage',
  data: 'data',
  run: 'run',
  document: 'document',
};
