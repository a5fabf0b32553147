import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeTree } from '../fixtures.mjs';
import { row, sampleOf } from '../rows.mjs';
import { copyTreeFlush, statWalks, tarFlush, warm } from '../save/physical.mjs';
import { cpuDetail, memoryRow } from '../save/saving.mjs';

const TRACKED = 'data/tree';

/** Data in place: what DVC is used for, on a directory of many small files. No server takes part. */
export const dataGroup = {
  rows: ['data-add', 'data-add-memory', 'data-status', 'data-checkout', 'data-checkout-unchanged'],
  space: 8 * 2 ** 30,
  async run(bench) {
    const count = bench.scaled(100_000, 20);
    const what = `${count.toLocaleString('en')} files of 1-10 KB`;
    bench.log(what);
    const { repository, source } = await addRows(bench, { count, what });
    if (bench.wants('data-status', 'data-checkout-unchanged'))
      await unchangedRows(bench, { repository, source, what });
    if (bench.wants('data-checkout')) await checkoutRow(bench, { repository, source, what });
    bench.remove(repository);
  },
};

/** `data add` reads the files where they stay; the tree is the same in each round and old enough for the stat index. */
async function addRows(bench, { count, what }) {
  const repository = await bench.repository('data');
  const source = join(repository, TRACKED);
  await writeTree(source, { count, content: 'random', signal: bench.signal });
  await bench.settle();
  await warm(bench, source);
  const forget = async (round) => {
    if (round === 0) return;
    await bench.mlops(repository, ['data', 'remove', TRACKED]);
    rmSync(join(repository, '.mlops/cache'), { recursive: true, force: true });
  };
  const { bound, add } = await bench.interleave(
    {
      bound: tarFlush(bench, source, bench.path('tree.tar')),
      add: { before: forget, run: () => bench.mlops(repository, ['data', 'add', TRACKED], { memory: true }) },
    },
    bench.wants('data-add') ? bench.options.repeat : 1,
  );
  if (bench.wants('data-add')) {
    bench.add(
      row({
        id: 'data-add',
        what: `\`data add\` of ${what}, new`,
        budget: '<= 3 x tar cf + sync',
        limit: { atMost: 3 },
        measured: sampleOf(add, 'seconds'),
        bound: sampleOf(bound, 'seconds'),
        boundIs: '`tar cf` of the tree + `sync` of the tar',
        details: cpuDetail(add),
      }),
    );
    const memory = memoryRow({ id: 'data-add-memory', what: 'that `data add`', limit: 400, results: add });
    if (memory !== undefined) bench.add(memory);
  }
  return { repository, source };
}

async function unchangedRows(bench, { repository, source, what }) {
  const results = await bench.interleave(
    {
      ...statWalks(bench, source),
      status: { run: () => bench.mlops(repository, ['status']) },
      checkout: { run: () => bench.mlops(repository, ['checkout']) },
    },
    bench.options.repeat,
  );
  for (const name of ['status', 'checkout']) {
    const id = name === 'status' ? 'data-status' : 'data-checkout-unchanged';
    if (!bench.wants(id)) continue;
    bench.add(
      row({
        id,
        what: `\`${name}\` of ${what}, unchanged`,
        // The design has a budget for `status` and `save`; a checkout that changes nothing is held against the same.
        ...(name === 'status'
          ? { budget: '<= 1.5 x a stat walk plus start-up', limit: { atMost: 1.5 } }
          : {}),
        measured: sampleOf(results[name], 'seconds'),
        bound: sampleOf(results.node, 'seconds'),
        boundIs: 'a node script that reads directories and calls lstat, its own start-up included',
        details: { 'find -printf of size, time and inode': sampleOf(results.find, 'seconds') },
      }),
    );
  }
}

/** Everything again from the objects of this clone, into a directory that is gone. */
async function checkoutRow(bench, { repository, source, what }) {
  const { repeat } = bench.options;
  const aside = (round) => bench.path(`aside-${round}`);
  const copyOf = (round) => bench.path(`copy-${round}`);
  const results = await bench.interleave(
    {
      bound: copyTreeFlush(bench, source, copyOf),
      checkout: {
        // Moved, not removed: without a journal, ext4 searches long for inodes after a mass removal.
        before: (round) => bench.run(['mv', source, aside(round)]),
        run: () => bench.mlops(repository, ['checkout'], { memory: true }),
      },
    },
    repeat,
  );
  await bench.run(['diff', '-r', '-q', source, aside(0)]);
  for (let round = 0; round < repeat; round += 1) bench.remove(copyOf(round), aside(round));
  bench.add(
    row({
      id: 'data-checkout',
      what: `\`checkout\` of ${what} that are missing`,
      measured: sampleOf(results.checkout, 'seconds'),
      bound: sampleOf(results.bound, 'seconds'),
      boundIs: '`cp -r` of the tree + `sync -f` of the file system',
      details: cpuDetail(results.checkout),
    }),
  );
}
