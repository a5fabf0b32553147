import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sampleOf } from '../rows.mjs';

const SCRIPT = join(dirname(fileURLToPath(import.meta.url)), 'peers.py');
const WHAT = {
  evidently: '`DataDriftPreset`, files read by pandas',
  nannyml: '`UnivariateDriftCalculator`, files read by pandas',
  deepchecks: '`FeatureDrift`, files read by pandas',
};

/** The interpreter that has the package: `MLOPS_BENCH_PYTHON_EVIDENTLY` ..., or else the `python3` of the path. */
function interpreterOf(name) {
  return process.env[`MLOPS_BENCH_PYTHON_${name.toUpperCase()}`] ?? 'python3';
}

/** One run of each tool on the same two files. `own` is the median of `mlops drift` on them, in seconds. */
export async function measurePeers(bench, { files, own, input }) {
  for (const [tool, what] of Object.entries(WHAT)) {
    if (!bench.options.peers.includes(tool)) continue;
    const python = interpreterOf(tool);
    const asked = await bench.runner.tryRun([python, SCRIPT, tool, '--version'], { capture: true });
    if (asked.code !== 0) {
      bench.peers.push({ input, tool, what, skipped: 'not installed' });
      continue;
    }
    const run = () => bench.run([python, SCRIPT, tool, ...files], { memory: true });
    try {
      const { [tool]: runs } = await bench.interleave({ [tool]: { run } }, 1);
      const time = sampleOf(runs, 'seconds');
      const memory = runs[0].peakBytes === undefined ? null : sampleOf(runs, 'peakBytes');
      bench.peers.push({
        input,
        tool,
        version: asked.stdout.trim(),
        what,
        time,
        memory,
        ratio: time.median / own,
      });
    } catch (error) {
      if (error.name === 'AbortError') throw error;
      const [, last = 'failed'] = /([^\n]+)\s*$/.exec(error.message) ?? [];
      bench.peers.push({ input, tool, what, skipped: `failed: ${last.slice(0, 120)}` });
    }
  }
}
