import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { cpuDetail, memoryRow } from '../save/saving.mjs';
import { fixed, row, sample, sampleOf } from '../rows.mjs';

const BUDGET = '>= 0.8 x the best of rclone copy and aws s3 cp --recursive on the same objects';
export const LIMIT_MIB = 300;

const objectsOf = (repository) => join(repository, '.mlops/cache');
/** The clients copy what `push` moves, packs and manifests, and nothing else of the cache. */
const RCLONE_FILTER = ['--include=/packs/**', '--include=/manifests/**'];
const AWS_FILTER = ['--exclude=*', '--include=packs/*', '--include=manifests/*'];

/**
 * `push` to an empty prefix beside the other clients doing the same with the same objects.
 * @param subject `id`, `what`, `repository` (with the artifact saved), `bytes` (sum of the objects)
 * @returns the results of mlops
 */
export async function measurePush(bench, server, { id, what, repository, bytes }) {
  const cache = objectsOf(repository);
  const to = (name, round) => `${id}-${name}-${round}`;
  const task = (name, run) => ({
    before: (round) => (name === 'mlops' ? server.addRemote(repository, to(name, round)) : undefined),
    run: (round) => server.counted(() => run(to(name, round))),
    after: (round) => (name === 'mlops' && round === 0 ? undefined : server.empty(to(name, round))),
  });
  const results = await bench.interleave(
    installed(server, {
      rclone: task('rclone', (prefix) =>
        server.rclone(['copy', ...RCLONE_FILTER, cache, server.rclonePath(prefix)]),
      ),
      aws: task('aws', (prefix) =>
        server.aws([
          's3',
          'cp',
          '--recursive',
          '--only-show-errors',
          ...AWS_FILTER,
          cache,
          server.url(prefix),
        ]),
      ),
      mlops: task('mlops', (prefix) =>
        server.mlops(repository, ['push', '--remote', prefix], { memory: true }),
      ),
    }),
    bench.options.repeat,
  );
  report(bench, server, { id: `${id}-push`, verb: 'push', what, bytes, results });
  return { results: results.mlops, remote: to('mlops', 0) };
}

/**
 * `fetch` into a clone without objects, from what {@link measurePush} left on the server.
 * @returns the results of mlops
 */
export async function measurePull(bench, server, { id, what, repository, bytes, remote }) {
  const clone = bench.path(`${id}-clone`);
  const copy = bench.path(`${id}-copy`);
  await bench.run(['git', '-C', repository, 'add', '.mlops']);
  await bench.run(['git', '-C', repository, 'commit', '--quiet', '--no-verify', '-m', 'bench']);
  await bench.run(['git', 'clone', '--quiet', repository, clone]);
  // The clone knows the remote from the committed configuration only.
  await server.mlops(clone, ['remote', 'trust', remote]);
  const other = (run) => ({
    before: () => {
      bench.remove(copy);
      mkdirSync(copy);
    },
    run: () => server.counted(run),
    after: () => bench.remove(copy),
  });
  const results = await bench.interleave(
    installed(server, {
      rclone: other(() => server.rclone(['copy', ...RCLONE_FILTER, server.rclonePath(remote), copy])),
      aws: other(() =>
        server.aws([
          's3',
          'cp',
          '--recursive',
          '--only-show-errors',
          ...AWS_FILTER,
          server.url(remote),
          copy,
        ]),
      ),
      mlops: {
        before: () => bench.remove(objectsOf(clone)),
        run: () => server.counted(() => server.mlops(clone, ['fetch', '--remote', remote], { memory: true })),
      },
    }),
    bench.options.repeat,
  );
  await bench.mlops(clone, ['verify', '--deep']);
  bench.remove(clone);
  report(bench, server, { id: `${id}-pull`, verb: 'fetch', what, bytes, results });
  await server.empty(remote);
  return results.mlops;
}

/** Without the clients that are not there. */
function installed(server, tasks) {
  return Object.fromEntries(
    Object.entries(tasks).filter(([name]) => name === 'mlops' || server.clients.includes(name)),
  );
}

function report(bench, server, { id, verb, what, bytes, results }) {
  const speed = (runs) =>
    sample(
      'bytes/s',
      runs.map(({ seconds }) => bytes / seconds),
    );
  const clients = Object.entries(results).filter(([name]) => name !== 'mlops');
  const [best, bestRuns] = clients.toSorted(
    ([, first], [, second]) => sampleOf(first, 'seconds').median - sampleOf(second, 'seconds').median,
  )[0];
  const last = results.mlops.at(-1);
  bench.add(
    row({
      id,
      what: `\`${verb}\` of ${what}`,
      budget: BUDGET,
      limit: { atLeast: 0.8 },
      measured: speed(results.mlops),
      bound: speed(bestRuns),
      boundIs: `the best of ${server.clients.join(' and ')}: ${best}`,
      details: {
        'time of mlops': sampleOf(results.mlops, 'seconds'),
        ...Object.fromEntries(clients.map(([name, runs]) => [`time of ${name}`, sampleOf(runs, 'seconds')])),
        'requests of mlops': fixed('calls', last.requests),
        ...Object.fromEntries(
          clients.map(([name, runs]) => [`requests of ${name}`, fixed('calls', runs.at(-1).requests)]),
        ),
        'bytes that the server received from mlops': fixed('bytes', last.received),
        'bytes that the server sent to mlops': fixed('bytes', last.sent),
        ...cpuDetail(results.mlops),
      },
    }),
  );
  const memory = memoryRow({
    id: `${id}-memory`,
    what: `that \`${verb}\``,
    limit: LIMIT_MIB,
    results: results.mlops,
  });
  if (memory !== undefined) bench.add(memory);
}
