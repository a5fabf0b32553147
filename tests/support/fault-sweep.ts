import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { mlops, type Finished } from './binary.ts';
import {
  copyRepository,
  countEvents,
  inProduction,
  observed,
  PRODUCTION,
  SECRETS,
  type FaultRepository,
} from './fault-repository.ts';
import { violations, type RepositoryState } from './invariants.ts';
import { isWrite, traceMlops, type Call, type Errno, type Thread } from './strace.ts';

/** A command whose every write is made to fail, one at a time. */
export interface SweptCommand {
  name: string;
  argv: readonly string[];
  /** What the production stage may hold: before, and when all is done. */
  pointer: { before: string; after: string };
  /** What is not as it should be once the command has succeeded; empty when all is. */
  incomplete(state: RepositoryState): string[];
}

function expectCount(
  state: RepositoryState,
  event: { type: string; version: string },
  wanted: number,
): string[] {
  const count = countEvents(state, event.type, event.version);
  return count === wanted
    ? []
    : [`I6: ${count} events ${event.type} of ${event.version} instead of ${wanted}`];
}

function expectPointer(state: RepositoryState, wanted: string): string[] {
  const version = inProduction(state);
  return version === wanted ? [] : [`I5: production holds ${version ?? 'nothing'} instead of ${wanted}`];
}

/** On the repository of `fault-repository.ts`: v2 is in production, v1 was before, `build/` is new. */
export const SWEPT_COMMANDS: readonly SweptCommand[] = [
  {
    name: 'save',
    argv: ['save', 'demo', 'build', '--version', 'v3'],
    pointer: { before: 'v2', after: 'v2' },
    incomplete: (state) => [
      ...(state.documents.has('models/demo/versions/v3.json') ? [] : ['I5: v3 has no record']),
      ...expectCount(state, { type: 'saved', version: 'v3' }, 1),
      ...expectPointer(state, 'v2'),
    ],
  },
  {
    name: 'promote',
    argv: ['promote', 'demo@v1'],
    pointer: { before: 'v2', after: 'v1' },
    incomplete: (state) => [
      ...expectPointer(state, 'v1'),
      ...expectCount(state, { type: 'promoted', version: 'v1' }, 2),
    ],
  },
  {
    name: 'rollback',
    argv: ['rollback', 'demo', '--to', 'v1', '--reason', 'a fault is tested'],
    pointer: { before: 'v2', after: 'v1' },
    incomplete: (state) => [
      ...expectPointer(state, 'v1'),
      ...expectCount(state, { type: 'rolled-back', version: 'v1' }, 1),
    ],
  },
];

function amendment(argv: readonly string[], type: string): SweptCommand {
  return {
    name: argv[0] ?? '',
    argv,
    pointer: { before: 'v2', after: 'v2' },
    incomplete: (state) => [...expectPointer(state, 'v2'), ...expectCount(state, { type, version: 'v1' }, 1)],
  };
}

/** Commands that only write an event (A3). */
export const SWEPT_AMENDMENTS: readonly SweptCommand[] = [
  amendment(['annotate', 'demo@v1', '--tag', 'checked=yes'], 'annotated'),
  amendment(['deprecate', 'demo@v1', '--reason', 'a fault is tested'], 'deprecated'),
  amendment(['delete', 'demo@v1', '--reason', 'a fault is tested'], 'deleted'),
];

/** The `ordinal`-th call of this name on this thread that writes in the repository. */
export interface Point {
  thread: Thread;
  call: string;
  /** Number of the call among all of its name on its thread in a run without faults; may shift a little. */
  index: number;
  ordinal: number;
  /** What it wrote to, without what differs from run to run. */
  place: string;
}

export type PointFault = 'SIGKILL' | Errno;

/** Every write of a command in the repository, in the order of threads and calls. */
export async function findPoints(
  fixture: FaultRepository,
  command: Pick<SweptCommand, 'argv'>,
): Promise<Point[]> {
  const points: Point[] = [];
  for (const thread of ['main', 'pool'] as const) {
    const { root, env, scratch } = await copyRepository(fixture);
    const { code, stderr, calls } = await traceMlops(command.argv, { thread, scratch, cwd: root, env });
    if (code !== 0) throw new Error(`${command.argv.join(' ')}: exit ${code} without a fault\n${stderr}`);
    const ordinals = new Map<string, number>();
    for (const call of writesIn(calls, root)) {
      const ordinal = (ordinals.get(call.name) ?? 0) + 1;
      ordinals.set(call.name, ordinal);
      points.push({ thread, call: call.name, index: call.index, ordinal, place: placeOf(call, root) });
    }
  }
  return points;
}

/** The errors that this call can give on a real machine, of those asked for. */
export function faultsFor({ call }: Point, wanted: readonly PointFault[]): PointFault[] {
  return wanted.filter((fault) => {
    if (fault === 'EMFILE') return call.startsWith('open');
    if (fault === 'EACCES') return !/write|sync/.test(call);
    if (fault === 'ENOSPC') return !/unlink|chmod/.test(call);
    return true;
  });
}

export interface Outcome {
  /** False when the fault did not meet the call it was meant for, which then was not tried. */
  hit: boolean;
  problems: string[];
  code: number | null;
}

const ATTEMPTS = 40;

/** Runs the command with a fault at one point on a fresh copy, checks everything, runs it again and checks that too. */
export async function tryPoint(
  fixture: FaultRepository,
  command: SweptCommand,
  point: Point,
  fault: PointFault,
): Promise<Outcome> {
  let when = point.index;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const repository = await copyRepository(fixture);
    const { root, env, scratch } = repository;
    const before = observed(repository);
    const injected = fault === 'SIGKILL' ? { signal: fault } : { error: fault };
    const inject = { call: point.call, when: String(when), fault: injected };
    const run = await traceMlops(command.argv, { thread: point.thread, scratch, cwd: root, env, inject });
    if (ordinalHit(run.calls, root, { point, fault }) === point.ordinal) {
      return {
        hit: true,
        code: run.code,
        problems: await judge({ repository, before, command, point, fault }, run),
      };
    }
    // The threads wake each other by writes too, not always the same number of them: follow where ours was this time.
    const wanted = writesIn(
      run.calls.filter(({ name }) => name === point.call),
      root,
    )[point.ordinal - 1];
    when = wanted?.index ?? when + 1;
    await rm(dirname(root), { recursive: true });
  }
  return { hit: false, code: null, problems: [] };
}

interface Case {
  repository: FaultRepository;
  before: RepositoryState;
  command: SweptCommand;
  point: Point;
  fault: PointFault;
}

async function judge({ repository, before, command, point, fault }: Case, run: Finished): Promise<string[]> {
  const { root, env } = repository;
  const { pointer } = command;
  const killed = fault === 'SIGKILL';
  // A temporary or a lock that can't be unlinked stays; so does what a killed process had no time for.
  const crashed = killed || point.call.startsWith('unlink');
  const state = observed(repository);
  const pointers = { [PRODUCTION]: [pointer.before, pointer.after] };
  const secrets = Object.values(SECRETS);
  const problems = [...violations(state, { before, crashed, pointers, secrets }), ...leakedTo(run)];
  if (killed && run.signal !== 'SIGKILL') problems.push(`ended with ${run.code} instead of SIGKILL`);
  if (!killed && run.code !== 0 && run.code !== 6)
    problems.push(`exit ${run.code ?? run.signal}: ${run.stderr}`);
  if (run.code === 0) problems.push(...command.incomplete(state));
  const verified = await mlops(['verify', '--deep'], { cwd: root, env });
  if (verified.code !== 0)
    problems.push(`verify --deep: exit ${verified.code}: ${verified.stdout}${verified.stderr}`);
  const again = await mlops(command.argv, { cwd: root, env });
  const after = observed(repository);
  // To roll back to where the stage is already, or to delete what is deleted, is a mistake; here it says that all was done.
  const repeated =
    again.code === 2 &&
    /NO_PREVIOUS|holds v1 already|v1 was deleted on/.test(again.stderr) &&
    command.incomplete(state).length === 0;
  if (again.code !== 0 && !repeated) problems.push(`again: exit ${again.code}: ${again.stderr}`);
  problems.push(
    ...command.incomplete(after),
    ...violations(after, { before, crashed, pointers: { [PRODUCTION]: [pointer.after] } }),
  );
  if (!repeated && after.leftovers.includes('tmp/pending.json'))
    problems.push('I7: a marker outlives the next command');
  if (after.leftovers.includes('tmp/lock')) {
    // A command with nothing left to write takes no lock; the next one that writes takes the dead one over.
    const next = await mlops(['annotate', 'demo@v2', '--tag', 'after=fault'], { cwd: root, env });
    if (next.code !== 0) problems.push(`next: exit ${next.code}: ${next.stderr}`);
    if (observed(repository).leftovers.includes('tmp/lock'))
      problems.push('I7: a lock outlives the next write');
  }
  const settled = await mlops(['verify', '--deep'], { cwd: root, env });
  if (settled.code !== 0)
    problems.push(`verify --deep at last: exit ${settled.code}: ${settled.stdout}${settled.stderr}`);
  return problems;
}

/** I9 for the streams. */
export function leakedTo({ stdout, stderr }: Finished): string[] {
  return Object.values(SECRETS).some((secret) => stdout.includes(secret) || stderr.includes(secret))
    ? ['I9: a secret was printed']
    : [];
}

/** Which write of the repository met the fault: a call marked as injected, or the last one before the process was killed. */
function ordinalHit(
  calls: readonly Call[],
  root: string,
  { point, fault }: { point: Point; fault: PointFault },
): number | undefined {
  const sameName = calls.filter(({ name }) => name === point.call);
  const met = fault === 'SIGKILL' ? calls.at(-1) : sameName.find(({ injected }) => injected);
  if (met === undefined || met.name !== point.call) return undefined;
  const ordinal = writesIn(sameName, root).indexOf(met);
  return ordinal === -1 ? undefined : ordinal + 1;
}

function writesIn(calls: readonly Call[], root: string): Call[] {
  return calls.filter((call) => isWrite(call) && call.paths.some((path) => path.startsWith(`${root}/`)));
}

function placeOf({ paths }: Call, root: string): string {
  return paths
    .map((path) => path.slice(root.length + 1))
    .map((path) =>
      path
        .replace(/\.tmp-\d+-[0-9a-f]+/, '.tmp')
        .replace(/[0-9a-f]{64}/, '<sha256>')
        .replace(/\/\d{8}T\d+Z-/, '/<time>-')
        .replace(/-[0-9a-f]{16}\.json/, '-<hash>.json'),
    )
    .join(' -> ');
}

export interface SweepReport {
  /** `EIO at pool fsync 3 (.mlops/cache/packs): ...` for each thing that is not as it should be. */
  problems: string[];
  /** Faults that did not meet their call in any attempt. */
  missed: string[];
}

/** Tries faults at points of one command, two at a time. */
export async function sweep(
  fixture: FaultRepository,
  command: SweptCommand,
  cases: readonly { point: Point; fault: PointFault }[],
): Promise<SweepReport> {
  const report: SweepReport = { problems: [], missed: [] };
  const waiting = [...cases];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { point, fault } = next;
      const label = `${fault} at ${point.thread} ${point.call} ${point.ordinal} (${point.place})`;
      const outcome = await tryPoint(fixture, command, point, fault);
      if (!outcome.hit) report.missed.push(label);
      report.problems.push(...outcome.problems.map((problem) => `${label}: ${problem}`));
    }
  };
  await Promise.all([work(), work()]);
  return report;
}

export const POINT_FAULTS: readonly PointFault[] = ['SIGKILL', 'ENOSPC', 'EIO', 'EACCES', 'EMFILE'];

/** Every fault at every point where it can happen. */
export function allCases(points: readonly Point[]): { point: Point; fault: PointFault }[] {
  return POINT_FAULTS.flatMap((fault) =>
    points.filter((point) => faultsFor(point, [fault]).length > 0).map((point) => ({ point, fault })),
  );
}

/** Every n-th of them, from an offset that a seed picks: the same ones each time. */
export function sample<T>(items: readonly T[], count: number, seed: number): T[] {
  if (items.length <= count) return [...items];
  const step = items.length / count;
  const offset = (seed * 0.618_033_988_749_895) % 1;
  return Array.from({ length: count }, (_, index) => items[Math.floor((index + offset) * step)]).filter(
    (item) => item !== undefined,
  );
}
