import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { sampleOf } from '../rows.mjs';
import { BUCKET } from './server.mjs';

/** How each tool brings `source` to the server for the first time; what `prepare` does is not timed. */
const TOOLS = {
  restic: {
    version: ['restic', 'version'],
    what: '`restic backup` into the bucket (cuts, encrypts and sends)',
    async prepare(bench, server, { source }) {
      const env = {
        ...server.env,
        RESTIC_PASSWORD: 'bench',
        RESTIC_REPOSITORY: `s3:${server.endpoint}/${BUCKET}/restic`,
        XDG_CACHE_HOME: bench.path('home'),
      };
      await bench.run(['restic', 'init', '--quiet'], { env });
      return { argv: ['restic', 'backup', '--quiet', source], env };
    },
  },
  dvc: {
    version: ['dvc', '--version'],
    what: '`dvc push` of what `dvc add` stored before (not timed)',
    async prepare(bench, server, { source, place }) {
      const env = { ...server.env, DVC_NO_ANALYTICS: '1' };
      const dvc = (...args) => bench.run(['dvc', ...args], { cwd: place, env });
      await bench.run(['git', 'init', '--quiet', place]);
      await dvc('init', '--quiet');
      await dvc('remote', 'add', '--default', 'bench', `s3://${BUCKET}/dvc`);
      await dvc('remote', 'modify', 'bench', 'endpointurl', server.endpoint);
      const inside = join(place, 'tracked');
      if (statSync(source).isFile()) mkdirSync(inside);
      await bench.run(['cp', '-al', source, inside]);
      await dvc('add', '--quiet', 'tracked');
      return { argv: ['dvc', 'push', '--quiet', '--jobs', '16'], cwd: place, env };
    },
  },
};

/** Why others that people know are not in the table. */
const LEFT_OUT = {
  borg: 'speaks no S3',
  'git-lfs': 'needs a server of its own protocol before S3',
};

/**
 * One run of each chosen tool on the same input.
 * @param subject `source`, `input` (its description), `results` (of `mlops push`, for the ratio)
 */
export async function measurePeers(bench, server, { source, input, results }) {
  const own = sampleOf(results, 'seconds').median;
  for (const name of bench.options.peers) {
    const tool = TOOLS[name];
    if (tool === undefined) {
      bench.peers.push({ input, tool: name, what: '-', skipped: LEFT_OUT[name] ?? 'not comparable' });
      continue;
    }
    const { code, stdout } = await bench.runner.tryRun(tool.version, { capture: true });
    const version = code === 0 ? /\d+(?:\.\d+)+/.exec(stdout)?.[0] : undefined;
    if (version === undefined) {
      bench.peers.push({ input, tool: name, what: tool.what, skipped: 'not installed' });
      continue;
    }
    const place = bench.path(`peer-${name}`);
    const { argv, ...options } = await tool.prepare(bench, server, { source, place });
    const { [name]: runs } = await bench.interleave(
      { [name]: { run: () => bench.run(argv, { ...options, memory: true }) } },
      1,
    );
    const time = sampleOf(runs, 'seconds');
    const memory = runs[0].peakBytes === undefined ? null : sampleOf(runs, 'peakBytes');
    bench.peers.push({ input, tool: name, version, what: tool.what, time, memory, ratio: time.median / own });
    bench.remove(place);
  }
}
