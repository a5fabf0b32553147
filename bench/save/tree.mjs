import { writeTree } from '../fixtures.mjs';
import { fixed, row, sampleOf } from '../rows.mjs';
import { peakDetail } from './file.mjs';
import { measurePeers } from './peers.mjs';
import { copyTreeFlush, tarFlush, warm } from './physical.mjs';
import { MODEL, cpuDetail, flushesOf, memoryRow, packBytes, saveTask, unchangedRow } from './saving.mjs';

/** Both kinds of content get the budgets' rows; what has no budget is measured once, with bytes nobody can compress. */
const ROWS = {
  random: ['save', 'memory', 'fsyncs', 'unchanged', 'load', 'peers'],
  text: ['save', 'memory', 'fsyncs', 'unchanged'],
};
const CONTENT = { random: 'random bytes', text: 'JSON and CSV' };

/** @param content `random` or `text` */
export function treeGroup(content) {
  const id = (name) => `tree-${content}-${name}`;
  return {
    rows: ROWS[content].map(id),
    // Some 550 MB in files that fill whole blocks, and some ten times that in copies and repositories.
    space: 10 * 2 ** 30,
    async run(bench) {
      const count = bench.scaled(100_000, 20);
      const what = `${count.toLocaleString('en')} files of 1-10 KB, ${CONTENT[content]}`;
      const source = bench.path('tree');
      bench.log(what);
      const size = await writeTree(source, { count, content, signal: bench.signal });
      await bench.settle();
      await warm(bench, source);
      const subject = { id, what, source, size, repository: bench.path('tree-repository') };
      const saves = await saveRows(bench, subject);
      if (bench.wants(id('unchanged')))
        bench.add(
          await unchangedRow(bench, { ...subject, id: id('unchanged'), rounds: bench.options.repeat }),
        );
      if (ROWS[content].includes('load') && bench.wants(id('load'))) await loadRow(bench, subject);
      bench.remove(subject.repository);
      if (bench.wants(id('fsyncs'))) await flushRow(bench, subject);
      if (ROWS[content].includes('peers') && bench.wants(id('peers'))) {
        await measurePeers(bench, { source, input: what, saves });
      }
      bench.remove(source);
    },
  };
}

async function saveRows(bench, { id, what, source, size, repository }) {
  const results = await bench.interleave(
    {
      bound: tarFlush(bench, source, bench.path('tree.tar')),
      save: saveTask(bench, source, 'tree-repository'),
    },
    bench.wants(id('save'), id('memory'), id('peers')) ? bench.options.repeat : 1,
  );
  if (bench.wants(id('save'))) {
    bench.add(
      row({
        id: id('save'),
        what: `\`save\` of ${what}, new`,
        budget: '<= 3 x tar cf + sync',
        limit: { atMost: 3 },
        measured: sampleOf(results.save, 'seconds'),
        bound: sampleOf(results.bound, 'seconds'),
        boundIs: '`tar cf` of the tree + `sync` of the tar',
        details: {
          ...cpuDetail(results.save),
          'bytes of the files': fixed('bytes', size),
          'bytes of the packs': fixed('bytes', packBytes(repository)),
        },
      }),
    );
  }
  const memory = memoryRow({ id: id('memory'), what: `that \`save\``, limit: 400, results: results.save });
  if (bench.wants(id('memory')) && memory !== undefined) bench.add(memory);
  return results.save;
}

async function flushRow(bench, { id, what, source }) {
  const flushes = await flushesOf(bench, source);
  if (flushes === undefined) {
    bench.log(`${id('fsyncs')}: not measured, strace does not work here`);
    return;
  }
  bench.add(
    row({
      id: id('fsyncs'),
      what: `fsync, fdatasync, syncfs and sync calls of \`save\` of ${what}, Git's included`,
      budget: '<= 300 fsyncs',
      limit: { atMost: 1 },
      measured: flushes,
      bound: fixed('calls', 300),
      boundIs: 'the budget',
    }),
  );
}

async function loadRow(bench, { id, what, source, repository }) {
  // Nothing is removed between the rounds: without a journal, ext4 searches long for inodes that were not freed a moment ago.
  const copyOf = (round) => bench.path(`copy-${round}`);
  const target = (round) => bench.path(`loaded-${round}`);
  const { repeat } = bench.options;
  const results = await bench.interleave(
    {
      bound: copyTreeFlush(bench, source, copyOf),
      load: {
        run: (round) =>
          bench.mlops(repository, ['load', `${MODEL}@v1`, '-o', target(round)], { memory: true }),
      },
    },
    repeat,
  );
  await bench.run(['diff', '-r', '-q', source, target(repeat - 1)]);
  for (let round = 0; round < repeat; round += 1) bench.remove(copyOf(round), target(round));
  bench.add(
    row({
      id: id('load'),
      what: `\`load\` of ${what}`,
      measured: sampleOf(results.load, 'seconds'),
      bound: sampleOf(results.bound, 'seconds'),
      boundIs: '`cp -r` of the tree + `sync -f` of the file system',
      details: { ...peakDetail(results.load), ...cpuDetail(results.load) },
    }),
  );
}
