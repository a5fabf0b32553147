// npm run bench -- SUITE: measures the budgets of the design side by side with physical bounds and other tools.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT, openBench } from './bench.mjs';
import { machineFacts } from './machine.mjs';
import { USAGE, UsageError, parseOptions } from './options.mjs';
import { markdown } from './report.mjs';

/** A suite exports `groups`: each has the names of its `rows`, a `space` in bytes at scale 1, and `run(bench)`. */
const SUITES = {
  save: () => import('./save/suite.mjs'),
  transfer: () => import('./transfer/suite.mjs'),
  drift: () => import('./drift/suite.mjs'),
};
const RESULTS = join(dirname(fileURLToPath(import.meta.url)), 'results');

async function main(argv) {
  const options = parseOptions(argv, Object.keys(SUITES));
  const suite = await SUITES[options.suite]();
  if (options.list) {
    process.stdout.write(`${suite.groups.flatMap(({ rows }) => rows).join('\n')}\n`);
    return;
  }
  const groups = choose(suite.groups, options.rows);
  if (process.platform !== 'linux') {
    throw new UsageError(
      'the benchmark needs Linux: its bounds are GNU tar, cp and sync FILE, and the page cache of a kernel it knows',
    );
  }
  const started = performance.now();
  const bench = await openBench(options, Math.max(...groups.map(({ space }) => space)));
  try {
    const machine = await machineFacts(bench);
    for (const warning of machine.warnings) bench.log(`warning: ${warning}`);
    const failures = [];
    for (const group of groups) await runGroup(bench, group, failures);
    publish(bench, {
      suite: options.suite,
      ...machine,
      loadAfter: bench.load(),
      elapsedSeconds: Math.round((performance.now() - started) / 1000),
      method: bench.method,
      rows: bench.rows,
      peers: bench.peers,
      failures,
    });
    // A missed budget is a result; a program that failed is none.
    if (failures.length > 0) process.exitCode = 1;
  } finally {
    bench.close();
  }
}

/** What one group can't measure must not cost the figures of the others. */
async function runGroup(bench, group, failures) {
  try {
    await group.run(bench);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    const message = error.message.replaceAll(bench.scratch, 'SCRATCH').replaceAll(ROOT, 'MLOPS').trim();
    bench.log(`failed: ${message}`);
    failures.push({ rows: group.rows, message });
    bench.clear();
  }
}

/** @throws UsageError for a name that selects no row */
function choose(groups, rows) {
  const all = groups.flatMap((group) => group.rows);
  const unknown = rows?.find((name) => !all.some((row) => row.startsWith(name)));
  if (unknown !== undefined) throw new UsageError(`--rows: there is no row "${unknown}"; see --list`);
  return groups.filter(
    (group) => rows === undefined || group.rows.some((row) => rows.some((name) => row.startsWith(name))),
  );
}

function publish(bench, result) {
  const { options } = bench;
  const text = markdown(result);
  process.stdout.write(`\n${text}`);
  // A trial must not replace the figures of a complete run.
  const complete = options.scale === 1 && options.rows === undefined && result.failures.length === 0;
  const out = options.out ?? (complete ? RESULTS : undefined);
  if (out === undefined) {
    bench.log('nothing was written: this was no complete run at scale 1 (choose a place with --out DIR)');
  } else {
    mkdirSync(out, { recursive: true });
    writeFileSync(join(out, `${result.suite}.json`), `${JSON.stringify(result, null, 2)}\n`);
    writeFileSync(join(out, `${result.suite}.md`), text);
  }
  for (const { rows, message } of result.failures) bench.log(`FAILED: ${rows.join(', ')}: ${message}`);
  const missed = result.rows.filter(({ verdict }) => verdict === 'missed');
  if (missed.length > 0) bench.log(`MISSED: ${missed.map(({ id }) => id).join(', ')}`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError) {
    process.stderr.write(`error: ${error.message}\n\n${USAGE}`);
    process.exitCode = 2;
  } else if (error.name === 'AbortError') {
    process.stderr.write('interrupted\n');
    process.exitCode = 130;
  } else {
    process.stderr.write(`${error.stack}\n`);
    process.exitCode = 1;
  }
}
