/** What `git status --porcelain=v2 --branch -z` says, as far as this program needs it. */
export interface WorkTreeStatus {
  /** Absent before the first commit. */
  commit: string | undefined;
  /** Absent when HEAD is detached. */
  branch: string | undefined;
  /** Tracked paths that differ from the commit, relative to the root. */
  changed: string[];
  untracked: string[];
}

/** The number of fields before the path, by the kind of entry; see `git help status`, "Porcelain Format Version 2". */
const FIELDS_BEFORE_PATH: Readonly<Record<string, number>> = { '1': 8, u: 10, '?': 1 };

/** Parses the entries of a status taken with `--no-renames`, so that each is one field. */
export function parseStatus(output: string): WorkTreeStatus {
  const status: WorkTreeStatus = { commit: undefined, branch: undefined, changed: [], untracked: [] };
  for (const entry of output.split('\0')) {
    if (entry.startsWith('# ')) readHeader(entry, status);
    const kind = entry.slice(0, entry.indexOf(' '));
    const fields = FIELDS_BEFORE_PATH[kind];
    if (fields === undefined) continue;
    const path = entry.split(' ').slice(fields).join(' ');
    (kind === '?' ? status.untracked : status.changed).push(path);
  }
  return status;
}

function readHeader(entry: string, status: WorkTreeStatus): void {
  const [, name, value] = entry.split(' ');
  if (name === 'branch.oid' && value !== '(initial)') status.commit = value;
  if (name === 'branch.head' && value !== '(detached)') status.branch = value;
}
