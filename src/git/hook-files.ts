import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { errnoOf, LocalIoError, UsageError } from '../errors.ts';
import { printable } from '../lib/terminal-text.ts';
import {
  HOOKS,
  type GitHooks,
  type HookChange,
  type HookName,
  type HookReport,
  type HooksReport,
  type InstallHooksOptions,
} from './git.ts';
import {
  isNewer,
  parseScript,
  PREVIOUS_SUFFIX,
  renderScript,
  type HookProgram,
  type ParsedScript,
} from './hook-script.ts';
import { commandLine, mentions, readText, toolFor } from './hook-tools.ts';
import type { RunGit } from './run-git.ts';

/** What pre-commit and lefthook append to the name of a hook that they push aside; pre-commit goes on running it. */
const PUSHED_ASIDE = { run: '.legacy', forgotten: '.old' } as const;

interface Site {
  root: string;
  directory: string;
  location: HooksReport['location'];
  /** Where hooks lie without core.hooksPath; ours may have been written there before that was set. */
  usual: string;
}

/**
 * The hooks of the repository around the directory in which `run` runs git.
 * @param program what the hooks start
 */
export function createGitHooks(run: RunGit, program: HookProgram): GitHooks {
  const status = (site: Site): HooksReport => ({
    directory: site.directory,
    location: site.location,
    hooks: HOOKS.map((hook) => inspect(hook, site, { program })),
  });
  return {
    status: async () => status(await locate(run)),
    async install(options = {}) {
      const site = await locate(run);
      const changes = HOOKS.flatMap((hook) => installOne(hook, site, { ...options, program }) ?? []);
      return { ...status(site), changes };
    },
    async uninstall() {
      const site = await locate(run);
      const directories = [...new Set([site.directory, site.usual])];
      const changes = HOOKS.flatMap((hook) => directories.flatMap((each) => uninstallOne(hook, each)));
      return { ...status(site), changes };
    },
  };
}

/** @throws UsageError `NOT_A_GIT_REPOSITORY`, `HOOKS_OFF` */
async function locate(run: RunGit): Promise<Site> {
  const ask = async (...args: string[]): Promise<string> =>
    (await run(['rev-parse', ...args], { access: 'hooks' })).stdout.replace(/\r?\n$/, '');
  const root = resolve(await ask('--show-toplevel'));
  // Git runs hooks in the root of the work tree, and takes a relative core.hooksPath from there.
  const directory = resolve(root, await ask('--path-format=absolute', '--git-path', 'hooks'));
  const common = resolve(root, await ask('--path-format=absolute', '--git-common-dir'));
  const stats = statSync(directory, { throwIfNoEntry: false });
  if (stats !== undefined && !stats.isDirectory()) {
    throw new UsageError(
      'HOOKS_OFF',
      `Git looks for hooks in ${printable(directory)}, which is no directory`,
      {
        hint: 'see `git config --show-origin core.hooksPath`; `git config --unset core.hooksPath` goes back to .git/hooks',
      },
    );
  }
  const real = realPathOf(directory);
  const inside = (parent: string): boolean => real.startsWith(`${realPathOf(parent)}${sep}`);
  const location = inside(common) ? 'git' : inside(root) ? 'work-tree' : 'outside';
  return { root, directory, location, usual: join(common, 'hooks') };
}

/** The real path of the nearest directory that exists, and the rest joined to it. */
function realPathOf(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realPathOf(parent), relative(parent, path));
  }
}

interface Wish extends InstallHooksOptions {
  program: HookProgram;
}

function inspect(hook: HookName, site: Site, wish: Wish): HookReport {
  const file = join(site.directory, hook);
  const content = readText(file);
  const report = { hook, file, chained: false, step: undefined };
  const script = ownScript(file);
  if (script !== undefined) {
    const asWanted = content === wantedScript(hook, script, wish);
    const current = isExecutable(file) && (asWanted || isNewer(script) || !script.intact);
    const chained = isThere(file + PREVIOUS_SUFFIX);
    return { ...report, chained, state: current ? 'active' : 'outdated', via: 'file' };
  }
  const outside = site.location === 'outside';
  const tool = toolFor(hook, { ...site, outside, content });
  if (tool?.active === true) return { ...report, state: 'active', via: tool.tool };
  // pre-commit keeps a hook that it finds under another name and runs it first.
  if (tool?.tool === 'pre-commit' && ownScript(file + PUSHED_ASIDE.run) !== undefined)
    return { ...report, state: 'active', via: 'pre-commit' };
  if (tool !== undefined) {
    const add = `${tool.tool} manages the hook ${hook}; add to ${printable(tool.config)}:\n${indent(tool.lines)}`;
    const done = mentions(readText(join(site.root, tool.config)), hook);
    return { ...report, state: 'manual', via: undefined, step: done ? `run: ${tool.install}` : add };
  }
  if (mentions(content, hook) && isExecutable(file)) return { ...report, state: 'active', via: 'line' };
  if (outside && wish.shared !== true) {
    const step =
      `other repositories use ${printable(site.directory)} too; add to ${printable(file)}:\n` +
      `${indent(commandLine(hook))}\nor run: mlops hooks install --shared`;
    return { ...report, state: 'manual', via: undefined, step };
  }
  const problem = blockedBy(file);
  if (problem !== undefined) return { ...report, state: 'blocked', via: undefined, step: problem };
  return { ...report, state: 'missing', via: undefined };
}

/** Why our file can't take the place of what is there. */
function blockedBy(file: string): string | undefined {
  const stats = lstatSync(file, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  if (stats.isDirectory()) return `${printable(file)} is a directory; remove it and run: mlops hooks install`;
  if (!isThere(file + PREVIOUS_SUFFIX) || isSameFile(file, file + PREVIOUS_SUFFIX)) return undefined;
  return (
    `${printable(file)} was replaced after mlops had set an older hook aside as ${printable(file + PREVIOUS_SUFFIX)}; ` +
    'merge the two, remove the second, and run: mlops hooks install'
  );
}

function installOne(hook: HookName, site: Site, wish: Wish): HookChange | undefined {
  const { state, file } = inspect(hook, site, wish);
  const old = ownScript(file);
  if (old !== undefined && (isNewer(old) || !old.intact)) {
    const reason = old.intact ? 'a newer mlops wrote it' : 'somebody changed it after mlops wrote it';
    return { hook, change: 'kept', reason };
  }
  if (state !== 'missing' && state !== 'outdated') return undefined;
  const foreign = old === undefined && isThere(file);
  write(file, wantedScript(hook, old, wish), { keepAs: foreign ? file + PREVIOUS_SUFFIX : undefined });
  if (foreign) return { hook, change: 'chained' };
  return { hook, change: old === undefined ? 'written' : 'updated' };
}

/** A hook that was written without paths stays so. */
function wantedScript(hook: HookName, old: ParsedScript | undefined, { portable, program }: Wish): string {
  return renderScript(hook, (portable ?? old?.portable) === true ? { node: '', script: '' } : program);
}

interface WriteOptions {
  /** The new name of what is there now. */
  keepAs: string | undefined;
}

/** At no moment is the hook missing or half written. @throws LocalIoError */
function write(file: string, text: string, { keepAs }: WriteOptions): void {
  const temporary = join(dirname(file), `.tmp-${process.pid}-${randomBytes(8).toString('hex')}`);
  try {
    mkdirSync(dirname(file), { recursive: true });
    const descriptor = openSync(temporary, 'wx', 0o755);
    try {
      writeFileSync(descriptor, text);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    if (keepAs !== undefined) setAside(file, keepAs);
    renameSync(temporary, file);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw new LocalIoError(
      'IO_FAILED',
      `${printable(file)}: ${errnoOf(cause) ?? String(cause)}; the hook that was there is still there`,
      { hint: 'free the path or its directory and run: mlops hooks install', cause },
    );
  }
}

/** A second name for the same file, so that Git finds the old hook until the new one takes its name. */
function setAside(file: string, as: string): void {
  try {
    linkSync(file, as);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') renameSync(file, as);
    else if (!isSameFile(file, as)) throw error;
  }
}

function uninstallOne(hook: HookName, directory: string): HookChange[] {
  const changes: HookChange[] = [];
  const names = [hook, `${hook}${PUSHED_ASIDE.run}`, `${hook}${PUSHED_ASIDE.forgotten}`];
  for (const file of names.map((name) => join(directory, name))) {
    const script = ownScript(file);
    if (script === undefined) continue;
    if (!script.intact) {
      const reason = `somebody changed it after mlops wrote it; remove ${printable(file)} by hand`;
      changes.push({ hook, change: 'kept', reason });
      continue;
    }
    const previous = join(directory, hook + PREVIOUS_SUFFIX);
    const restore = isThere(previous);
    try {
      if (restore) renameSync(previous, file);
      else rmSync(file);
    } catch (cause) {
      throw new LocalIoError('IO_FAILED', `${printable(file)}: ${errnoOf(cause) ?? String(cause)}`, {
        hint: 'the hooks named before it are uninstalled; run the same command again',
        cause,
      });
    }
    changes.push({ hook, change: restore ? 'restored' : 'removed' });
  }
  return changes;
}

/** A link to one of our files is somebody else's doing. */
function ownScript(file: string): ParsedScript | undefined {
  if (lstatSync(file, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
  return parseScript(readText(file) ?? '');
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Two names of one file: an installation was interrupted between the two. */
function isSameFile(first: string, second: string): boolean {
  const [one, other] = [first, second].map((path) =>
    lstatSync(path, { bigint: true, throwIfNoEntry: false }),
  );
  return one !== undefined && other !== undefined && one.ino === other.ino && one.dev === other.dev;
}

/** On Windows every file counts as executable. */
function isExecutable(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats !== undefined && (process.platform === 'win32' || (stats.mode & 0o111) !== 0);
}

function indent(lines: string): string {
  return lines
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
}
