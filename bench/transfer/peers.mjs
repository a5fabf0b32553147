import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { sampleOf } from '../rows.mjs';
import { BUCKET } from './server.mjs';

/**
 * How each tool brings `source` to the server for the first time, and back where that can be compared with `fetch`; what `prepare` and
 * `forget` do is not timed.
 */
const TOOLS = {
  restic: {
    version: ['restic', 'version'],
    async prepare(bench, server, { source }) {
      const env = {
        ...server.env,
        RESTIC_PASSWORD: 'bench',
        RESTIC_REPOSITORY: `s3:${server.endpoint}/${BUCKET}/restic`,
        XDG_CACHE_HOME: bench.path('home'),
      };
      await bench.run(['restic', 'init', '--quiet'], { env });
      return {
        push: {
          what: '`restic backup` into the bucket (cuts, encrypts and sends)',
          argv: ['restic', 'backup', '--quiet', source],
          env,
        },
      };
    },
  },
  dvc: {
    version: ['dvc', '--version'],
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
      const jobs = ['--quiet', '--jobs', '16'];
      return {
        push: {
          what: '`dvc push` of what `dvc add` stored before (not timed)',
          argv: ['dvc', 'push', ...jobs],
          cwd: place,
          env,
        },
        forget: () => bench.remove(join(place, '.dvc/cache'), inside),
        pull: {
          what: '`dvc pull` into an empty cache, which restores the files too',
          argv: ['dvc', 'pull', ...jobs],
          cwd: place,
          env,
        },
      };
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
 * @param subject `source`, `input` (its description), `pushes` and `pulls` (results of `mlops push` and `fetch`, for the ratios)
 */
export async function measurePeers(bench, server, { source, input, pushes, pulls }) {
  for (const name of bench.options.peers) {
    const tool = TOOLS[name];
    if (tool === undefined) {
      const why = LEFT_OUT[name];
      if (why !== undefined) bench.peers.push({ input, tool: name, what: '-', skipped: why });
      continue;
    }
    const { code, stdout } = await bench.runner.tryRun(tool.version, { capture: true });
    const version = code === 0 ? /\d+(?:\.\d+)+/.exec(stdout)?.[0] : undefined;
    if (version === undefined) {
      bench.peers.push({ input, tool: name, what: '-', skipped: 'not installed' });
      continue;
    }
    const place = bench.path(`peer-${name}`);
    const { push, forget, pull } = await tool.prepare(bench, server, { source, place });
    const peer = { input, tool: name, version };
    bench.peers.push({ ...peer, ...(await measureOnce(bench, server, { ...push, own: pushes })) });
    if (pull !== undefined) {
      forget();
      bench.peers.push({ ...peer, ...(await measureOnce(bench, server, { ...pull, own: pulls })) });
    }
    bench.remove(place);
  }
}

async function measureOnce(bench, server, { what, argv, own, ...options }) {
  const run = () => server.counted(() => bench.run(argv, { ...options, memory: true }));
  const { [what]: runs } = await bench.interleave({ [what]: { run } }, 1);
  const [{ peakBytes, requests, received, sent }] = runs;
  const time = sampleOf(runs, 'seconds');
  return {
    what,
    time,
    memory: peakBytes === undefined ? null : sampleOf(runs, 'peakBytes'),
    ratio: time.median / sampleOf(own, 'seconds').median,
    traffic: { requests, received, sent },
  };
}
