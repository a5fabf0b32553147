import { lstat, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { errnoOf, MlopsError } from '../../errors.ts';
import { shellWord } from '../../lib/shell-word.ts';
import { printable } from '../../lib/terminal-text.ts';
import { GITATTRIBUTES, GITIGNORE } from '../repository/init.ts';
import { gitPath, MLOPS_DIRECTORY } from '../repository/layout.ts';
import type { Repository } from '../repository/repository.ts';
import { listHolds } from './holds.ts';
import { findNotIgnored } from '../data/not-ignored.ts';
import { loadPointers } from '../data/pointers.ts';
import { listModels, loadModel } from '../registry/index.ts';

export interface Finding {
  check: string;
  status: 'ok' | 'warning' | 'failed';
  message: string;
  hint: string | undefined;
}

export interface Diagnosis {
  findings: readonly Finding[];
}

type Check = (repository: Repository) => Promise<Omit<Finding, 'check'>[]>;

const CHECKS: readonly [name: string, check: Check][] = [
  ['node', checkNode],
  ['git', checkGit],
  ['git files', checkGitFiles],
  ['disk', checkDisk],
  ['lock', checkLock],
  ['leftovers', checkLeftovers],
  ['documents', checkDocuments],
  ['tracked data', checkTrackedData],
  ['holds', checkHolds],
];

/** Looks at the surroundings rather than the bytes: programs, settings, disk, lock, leftovers. Changes nothing. */
export async function diagnose(repository: Repository): Promise<Diagnosis> {
  const findings: Finding[] = [];
  for (const [check, run] of CHECKS) {
    try {
      findings.push(...(await run(repository)).map((finding) => ({ check, ...finding })));
    } catch (error) {
      if (!(error instanceof MlopsError)) throw error;
      findings.push({ check, status: 'failed', message: error.message, hint: error.hint });
    }
  }
  return { findings };
}

function ok(message: string): Omit<Finding, 'check'> {
  return { status: 'ok', message, hint: undefined };
}

function checkNode({ environment }: Repository): Promise<Omit<Finding, 'check'>[]> {
  return Promise.resolve([ok(`Node ${environment.node} on ${environment.platform} ${environment.arch}`)]);
}

/** Below this, cloning a hostile repository can run code (CVE-2022-24765 and its kin). */
const OLDEST_SAFE_GIT = [2, 35, 2] as const;

async function checkGit(repository: Repository): Promise<Omit<Finding, 'check'>[]> {
  const git = await repository.git();
  const version = await git.version();
  const parts = version.split('.').map(Number);
  const older = OLDEST_SAFE_GIT.findIndex((part, index) => (parts[index] ?? 0) !== part);
  const findings = [
    older !== -1 && (parts[older] ?? 0) < (OLDEST_SAFE_GIT[older] ?? 0)
      ? {
          status: 'warning' as const,
          message: `git ${version} is old and has known security faults`,
          hint: 'install a newer git',
        }
      : ok(`git ${version}`),
  ];
  if ((await git.identity()) === undefined) {
    findings.push({
      status: 'warning',
      message: `Git knows no user name, so events are signed "${await repository.actor()}"`,
      hint: 'git config user.name "..." && git config user.email "..."',
    });
  }
  return findings;
}

/** The line of .mlops/.gitignore without which a repository still works. */
const TAKE_BACK = '!*';

async function checkGitFiles({ documents }: Repository): Promise<Omit<Finding, 'check'>[]> {
  const findings: Omit<Finding, 'check'>[] = [];
  for (const [name, wanted] of [
    ['.gitignore', GITIGNORE],
    ['.gitattributes', GITATTRIBUTES],
  ] as const) {
    const lines = Buffer.from((await documents.read(name)) ?? new Uint8Array())
      .toString('utf8')
      .split(/\r?\n/);
    const missing = wanted.split('\n').filter((line) => line !== '' && !lines.includes(line));
    if (missing.length === 0) continue;
    if (missing.join() === TAKE_BACK) {
      findings.push({
        status: 'warning',
        message: `${gitPath(name)} does not start with "${TAKE_BACK}", as it was written by an older mlops`,
        hint: 'add it as the first line; without it a rule such as data/ or models/ of the project hides documents from Git',
      });
      continue;
    }
    findings.push({
      status: 'failed',
      message: `${gitPath(name)} lacks ${missing.map((line) => `"${line}"`).join(', ')}`,
      hint: `add the missing lines; without them ${name === '.gitignore' ? 'objects and locks end up in Git' : 'Git may change line ends, and so the digests'}`,
    });
  }
  return findings.length === 0 ? [ok('.gitignore and .gitattributes are as they should be')] : findings;
}

async function checkDisk({ documents }: Repository): Promise<Omit<Finding, 'check'>[]> {
  await documents.write('tmp/doctor.json', Buffer.from('{}\n'));
  await documents.remove('tmp/doctor.json');
  return [ok(`${MLOPS_DIRECTORY} can be written`)];
}

async function checkLock({ lock }: Repository): Promise<Omit<Finding, 'check'>[]> {
  const state = await lock.inspect();
  if (state === undefined) return [ok('nobody holds the lock')];
  const { owner, stale, reason } = state;
  const who =
    owner === undefined
      ? 'an unknown process'
      : `pid ${owner.pid} on ${owner.host} (${owner.command}, since ${owner.startedAt})`;
  return [
    {
      status: 'warning',
      message: `the lock is held by ${who}: ${reason}`,
      hint: stale ? 'the next command takes it over' : 'wait for it, or see `mlops unlock`',
    },
  ];
}

const MAX_NAMED = 20;

/** What goes away meanwhile was no leftover, and takes no space any more. */
function goneIsEmpty(error: unknown): [] {
  if (errnoOf(error) === 'ENOENT') return [];
  throw error;
}

/** Temporary files of commands that were killed. They never count as data; they only take space. */
async function checkLeftovers({ root }: Repository): Promise<Omit<Finding, 'check'>[]> {
  const found: string[] = [];
  let bytes = 0;
  /** `inside`: below a directory that is a leftover as a whole. */
  const visit = async (directory: string, depth: number, inside: boolean): Promise<void> => {
    for (const entry of await readdir(directory, { withFileTypes: true }).catch(goneIsEmpty)) {
      const path = join(directory, entry.name);
      const abandoned = !inside && entry.name.startsWith('.tmp-');
      if (abandoned && (entry.isFile() || entry.isDirectory())) found.push(relative(root, path));
      if (entry.isDirectory() && depth > 0) await visit(path, depth - 1, inside || abandoned);
      else if (entry.isFile() && (inside || abandoned)) {
        bytes += (await lstat(path).catch(() => undefined))?.size ?? 0;
      }
    }
  };
  await visit(join(root, MLOPS_DIRECTORY), 4, false);
  if (found.length === 0) return [ok('no temporary files are left over')];
  const more = found.length > MAX_NAMED ? ` and ${found.length - MAX_NAMED} more` : '';
  const names = found.toSorted().slice(0, MAX_NAMED).join(', ');
  return [
    {
      status: 'warning',
      message: `temporary files of interrupted commands: ${found.length} with ${bytes} bytes in all: ${names}${more}`,
      hint: 'delete them when no mlops command is running',
    },
  ];
}

async function checkDocuments(repository: Repository): Promise<Omit<Finding, 'check'>[]> {
  const models = await listModels(repository.documents);
  const findings: Omit<Finding, 'check'>[] = [];
  for (const model of models) {
    const { problems } = await loadModel(repository, model);
    findings.push(
      ...problems.map(({ error }) => ({
        status: 'failed' as const,
        message: error.message,
        hint: error.hint,
      })),
    );
  }
  const { pointers, problems } = await loadPointers(repository.documents);
  findings.push(
    ...problems.map(({ error }) => ({ status: 'failed' as const, message: error.message, hint: error.hint })),
  );
  if (findings.length > 0) return findings;
  const data = pointers.length === 0 ? '' : ` and ${pointers.length} tracked paths`;
  return [ok(`the documents of ${models.length} models${data} can be read`)];
}

/** What Git does not ignore is one `git add .` away from being in Git. */
async function checkTrackedData(repository: Repository): Promise<Omit<Finding, 'check'>[]> {
  const { pointers } = await loadPointers(repository.documents);
  const paths = await findNotIgnored(
    repository,
    pointers.map(({ path }) => path),
  );
  if (paths.length === 0) return [ok('Git ignores all tracked data')];
  const more = paths.length > MAX_NAMED ? ` and ${paths.length - MAX_NAMED} more` : '';
  const names = paths.slice(0, MAX_NAMED).map(printable).join(', ');
  return [
    {
      status: 'warning',
      message: `tracked, and not ignored by Git: ${names}${more}`,
      hint: `let mlops write the rules again: mlops data add ${paths.slice(0, MAX_NAMED).map(shellWord).join(' ')}`,
    },
  ];
}

/** One that can't be read stops gc, so that it is worth knowing before. */
async function checkHolds({ documents }: Repository): Promise<Omit<Finding, 'check'>[]> {
  const { length } = await listHolds(documents);
  return [ok(length === 0 ? 'nothing is held' : `artifacts held: ${length}; see \`mlops hold list\``)];
}
