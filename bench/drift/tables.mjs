import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepareInteropEnvironment } from '../../scripts/interop-venv.mjs';
import { MLOPS } from '../bench.mjs';
import { row, sampleOf } from '../rows.mjs';
import { cpuDetail, memoryRow } from '../save/saving.mjs';
import { measurePeers } from './peers.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
export const BOUND = 'pandas and scipy: read both files, `ks_2samp` or `chi2_contingency` for each column';

/**
 * The rows of two tables of one distribution: `drift` beside pandas and scipy on the same files.
 * @param table `id`, `rows`, `numeric`, `categorical`, `formats` (`{ csv: { atMost, memoryMib } }`), `space`, `peers` (format they read)
 */
export function tableGroup({ id, rows, numeric, categorical, formats, space, peers }) {
  const names = Object.keys(formats).flatMap((format) => [`${id}-${format}`, `${id}-${format}-memory`]);
  return {
    rows: names,
    space,
    async run(bench) {
      const python = prepareInteropEnvironment('drift');
      const count = bench.scaled(rows, 1000);
      const what = `${count.toLocaleString('en')} x (${numeric} numeric + ${categorical} categorical)`;
      bench.log(what);
      const make = [join(HERE, 'make_tables.py'), bench.scratch, id, count, numeric, categorical];
      await bench.run([python, ...make.map(String), ...Object.keys(formats)]);
      for (const [format, limits] of Object.entries(formats)) {
        if (!bench.wants(`${id}-${format}`)) continue;
        const files = ['reference', 'current'].map((side) => bench.path(`${id}-${side}.${format}`));
        const own = await compareRow(bench, python, {
          id: `${id}-${format}`,
          what: `${what}, ${format}`,
          files,
          limits,
        });
        if (peers === format) await measurePeers(bench, { files, own, input: `${what}, ${format}` });
      }
      for (const side of ['reference', 'current'])
        for (const format of Object.keys(formats))
          rmSync(bench.path(`${id}-${side}.${format}`), { force: true });
    },
  };
}

async function compareRow(bench, python, { id, what, files, limits }) {
  const results = await bench.interleave(
    {
      pandas: { run: () => bench.run([python, join(HERE, 'pandas_scipy.py'), ...files], { memory: true }) },
      mlops: { run: () => bench.run([...MLOPS, 'drift', ...files], { memory: true }) },
    },
    bench.options.repeat,
  );
  const { atMost, memoryMib } = limits;
  bench.add(
    row({
      id,
      what: `\`drift\` of ${what}`,
      ...(atMost === undefined ? {} : { budget: `<= ${atMost} x pandas + scipy`, limit: { atMost } }),
      measured: sampleOf(results.mlops, 'seconds'),
      bound: sampleOf(results.pandas, 'seconds'),
      boundIs: BOUND,
      details: {
        ...cpuDetail(results.mlops),
        ...(results.mlops.every(({ peakBytes }) => peakBytes !== undefined)
          ? { 'peak memory of mlops': sampleOf(results.mlops, 'peakBytes') }
          : {}),
        ...(results.pandas.every(({ peakBytes }) => peakBytes !== undefined)
          ? { 'peak memory of pandas and scipy': sampleOf(results.pandas, 'peakBytes') }
          : {}),
      },
    }),
  );
  if (memoryMib !== undefined) {
    const memory = memoryRow({
      id: `${id}-memory`,
      what: `that \`drift\``,
      limit: memoryMib,
      results: results.mlops,
    });
    if (memory !== undefined) bench.add(memory);
  }
  return sampleOf(results.mlops, 'seconds').median;
}
