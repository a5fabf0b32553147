import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errorOf, mlops, type Finished } from './binary.ts';
import { copyRepository, observed, type FaultRepository } from './fault-repository.ts';
import { findPoints, sample, type Point } from './fault-sweep.ts';
import {
  keysOf,
  lies,
  objectsHere,
  remoteCase,
  rotThird,
  type RemoteCase,
  type RemoteCaseOptions,
} from './fault-remote.ts';
import { violations, type RepositoryState } from './invariants.ts';
import { traceMlops } from './strace.ts';

export const SEED = 20_261_125;

/** A transfer that is ended from outside, and what has to hold afterwards. */
export interface EndedTransfer {
  argv: readonly string[];
  options: RemoteCaseOptions;
  /** Arranges what the command is to bring in order. */
  prepare?: (at: RemoteCase) => Promise<void>;
}

/** Objects that were here before the third version was saved, by path below `.mlops/cache`. */
export function olderObjects(fixture: FaultRepository): string[] {
  return [...objectsHere(fixture, 'packs'), ...objectsHere(fixture, 'manifests')];
}

/** What is ended from outside: one request after the other, so that what was done by then is the same each time. */
export function endedTransfers(
  contents: ReadonlyMap<string, Buffer>,
  older: readonly string[],
): Record<'push' | 'fetch' | 'fetchThird' | 'repair', EndedTransfer> {
  return {
    push: { argv: ['push', '--jobs', '1'], options: {} },
    fetch: { argv: ['fetch', '--all', '--jobs', '1'], options: { contents, empty: true } },
    /** The third version came by Git and its bytes did not. */
    fetchThird: {
      argv: ['fetch', '--all'],
      options: { contents },
      prepare: async ({ repository }) => {
        for (const path of olderObjects(repository))
          if (!older.includes(path)) await rm(join(repository.root, '.mlops/cache', path));
      },
    },
    repair: {
      argv: ['verify', '--repair'],
      options: { contents },
      prepare: async ({ repository }) => void (await rotThird(repository)),
    },
  };
}

/** Requests of the command when nothing goes wrong. */
export async function countRequests(fixture: FaultRepository, transfer: EndedTransfer): Promise<number> {
  const at = await arranged(fixture, transfer);
  const done = await at.run(...transfer.argv);
  if (done.code !== 0) throw new Error(`${transfer.argv.join(' ')}: exit ${done.code}\n${done.stderr}`);
  return at.server.log.all().length;
}

async function arranged(fixture: FaultRepository, { options, prepare }: EndedTransfer): Promise<RemoteCase> {
  const at = await remoteCase(fixture, options);
  await prepare?.(at);
  return at;
}

/**
 * Ends the command while the server keeps one of its requests waiting, checks everything, and runs it again.
 * @returns what is not as it should be
 */
export async function endAtRequest(
  fixture: FaultRepository,
  transfer: EndedTransfer,
  { request, signal }: { request: number; signal: 'SIGKILL' | 'SIGINT' },
): Promise<string[]> {
  const at = await arranged(fixture, transfer);
  const { server, repository } = at;
  const before = observed(repository);
  const rule = server.faults.add({ skip: request - 1, times: 1, fault: { type: 'hang' } });
  const running = at.start('--json', ...transfer.argv);
  await Promise.race([server.log.waitFor(({ fault }) => fault === 'hang'), running.finished]);
  running.child.kill(signal);
  const ended = await running.finished;
  rule.remove();
  const place = `${signal} at request ${request}`;
  const problems = [
    ...endedBadly(ended, signal),
    ...notBroken(observed(repository), { before, crashed: signal === 'SIGKILL' }),
    ...(await lies(server)),
  ];
  problems.push(...(await goesOn(at, transfer, before)));
  return problems.map((problem) => `${place}: ${problem}`);
}

function endedBadly(ended: Finished, signal: 'SIGKILL' | 'SIGINT'): string[] {
  if (signal === 'SIGKILL')
    return ended.signal === signal ? [] : [`ended with ${ended.code}: ${ended.stderr}`];
  if (ended.code !== 130) return [`exit ${ended.code ?? ended.signal}: ${ended.stderr}`];
  return errorOf(ended).code === 'INTERRUPTED' ? [] : [`the error is ${errorOf(ended).code}`];
}

/** What is not here yet is no damage; what is here has to be whole. */
function notBroken(
  state: RepositoryState,
  { before, crashed }: { before: RepositoryState; crashed: boolean },
): string[] {
  const found = violations(state, { before, crashed }).filter((text) => !text.startsWith('I2'));
  for (const [path, hash] of before.objects)
    if (path.endsWith(hash) && state.objects.get(path) !== hash) found.push(`${path} was good and is gone`);
  return found;
}

/** The same command again: it succeeds, sends and fetches no pack twice, and then all is here and there. */
async function goesOn(at: RemoteCase, { argv }: EndedTransfer, before: RepositoryState): Promise<string[]> {
  const { server, repository } = at;
  const here = new Set([...observed(repository).objects.keys()].map((path) => path.split('/').at(-1)));
  const there = new Set(keysOf(server.objects, 'packs'));
  server.log.clear();
  const again = await at.run(...argv);
  const problems = again.code === 0 ? [] : [`again: exit ${again.code}: ${again.stderr}`];
  for (const { key } of server.log.of('PutObject'))
    if (there.has(key)) problems.push(`${key} was sent again`);
  if (argv[0] === 'fetch') {
    for (const { key } of server.log.of('GetObject'))
      if (key.includes('/packs/') && here.has(key.split('/').at(-1)))
        problems.push(`${key} was fetched again`);
  }
  problems.push(...(await lies(server)), ...notBroken(observed(repository), { before, crashed: true }));
  const verified = await at.run('verify', '--deep', '--remote');
  if (verified.code !== 0)
    problems.push(`verify: exit ${verified.code}: ${verified.stdout}${verified.stderr}`);
  return problems;
}

interface KillReport {
  problems: string[];
  /** Points at which the process was killed. */
  killed: number;
  points: readonly Point[];
}

/** Kills the command at some of its writes in the repository; `count` Infinity: at each of them. */
export async function killAtWrites(
  fixture: FaultRepository,
  transfer: EndedTransfer,
  count: number,
): Promise<KillReport> {
  const at = await arranged(fixture, transfer);
  const points = await findPoints(at.repository, transfer);
  const report: KillReport = { problems: [], killed: 0, points };
  for (const point of sample(points, count, SEED)) {
    const problems = await killAtOnceOf(ATTEMPTS, () => killAt(at, transfer, point));
    if (problems === undefined) continue;
    report.killed += 1;
    const place = `${point.thread} ${point.call} ${point.ordinal} (${point.place})`;
    report.problems.push(...problems.map((problem) => `SIGKILL at ${place}: ${problem}`));
  }
  return report;
}

/** Threads wake each other in ways that differ from run to run, so the call that is waited for may not come at once. */
const ATTEMPTS = 3;

async function killAtOnceOf(
  attempts: number,
  kill: () => Promise<string[] | undefined>,
): Promise<string[] | undefined> {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const problems = await kill();
    if (problems !== undefined) return problems;
  }
  return undefined;
}

/** What is wrong after the command was killed there; undefined when it ended before it came to that point. */
async function killAt(at: RemoteCase, transfer: EndedTransfer, point: Point): Promise<string[] | undefined> {
  const repository = await copyRepository(at.repository);
  const { root, env, scratch } = repository;
  for (const key of at.server.objects.keys()) at.server.objects.delete(key);
  for (const [key, bytes] of transfer.options.contents ?? []) at.server.objects.put(key, bytes);
  const before = observed(repository);
  const inject = { call: point.call, when: String(point.index), fault: { signal: 'SIGKILL' } as const };
  const { thread } = point;
  const run = await traceMlops(transfer.argv, { thread, scratch, cwd: root, env, inject });
  let problems: string[] | undefined;
  if (run.signal === 'SIGKILL') {
    const copy: RemoteCase = { ...at, repository, run: (...argv) => mlops(argv, { cwd: root, env }) };
    problems = [
      ...notBroken(observed(repository), { before, crashed: true }).filter(isNew(before)),
      ...(await goesOn(copy, transfer, before)),
    ];
  }
  await rm(join(root, '..'), { recursive: true });
  return problems;
}

/** Damage that was there before the command is what it repairs. */
function isNew(before: RepositoryState): (problem: string) => boolean {
  const known = new Set(violations(before));
  return (problem) => !known.has(problem);
}
