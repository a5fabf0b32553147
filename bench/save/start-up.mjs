import { writeFileSync } from 'node:fs';
import { writeRegistry } from '../registry.mjs';
import { row, sampleOf } from '../rows.mjs';

const BOUND = 'an empty node script';

export const startUpGroup = {
  rows: ['start-version', 'start-list'],
  space: 2 ** 26,
  async run(bench) {
    bench.log('start-up');
    const empty = bench.path('empty.mjs');
    writeFileSync(empty, '');
    const versions = bench.scaled(1000, 10);
    const repository = await bench.repository('list');
    await writeRegistry(repository, {
      model: 'fraud_detector',
      versions,
      events: versions,
      signal: bench.signal,
    });
    await bench.settle();
    const first = await bench.mlops(repository, ['list']);
    const results = await bench.interleave(
      {
        empty: { run: () => bench.run([process.execPath, empty]) },
        version: { run: () => bench.mlops(undefined, ['--version']) },
        list: { run: () => bench.mlops(repository, ['list']) },
      },
      bench.options.repeat * 7,
    );
    const bound = sampleOf(results.empty, 'seconds');
    if (bench.wants('start-version')) {
      bench.add(
        row({
          id: 'start-version',
          what: '`mlops --version`',
          budget: '<= 1.6 x an empty node script',
          limit: { atMost: 1.6 },
          measured: sampleOf(results.version, 'seconds'),
          bound,
          boundIs: BOUND,
        }),
      );
    }
    if (bench.wants('start-list')) {
      bench.add(
        row({
          id: 'start-list',
          what: `\`mlops list\` with ${versions.toLocaleString('en')} versions`,
          budget: '<= 3 x an empty node script',
          limit: { atMost: 3 },
          measured: sampleOf(results.list, 'seconds'),
          bound,
          boundIs: BOUND,
          details: { 'the first run, without an index': sampleOf([first], 'seconds') },
        }),
      );
    }
    bench.remove(repository);
  },
};
