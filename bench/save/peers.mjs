import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sampleOf } from '../rows.mjs';

const GIT_USER = ['-c', 'user.name=Bench', '-c', 'user.email=bench@example.org'];

/**
 * How each tool stores `source` for the first time. `prepare` makes an empty repository (not timed) and gives the command.
 * Encryption is off where it can be; everything else is as the tool comes.
 */
const TOOLS = {
  restic: {
    version: ['restic', 'version'],
    what: '`restic backup` (encrypts always)',
    async prepare(bench, { source, place }) {
      const env = { RESTIC_PASSWORD: 'bench', RESTIC_REPOSITORY: place };
      await bench.run(['restic', 'init', '--quiet'], { env });
      return { argv: ['restic', 'backup', '--quiet', source], env };
    },
  },
  borg: {
    version: ['borg', '--version'],
    what: '`borg create`, repository without encryption',
    async prepare(bench, { source, place }) {
      const env = { BORG_BASE_DIR: bench.path('home'), BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: 'yes' };
      await bench.run(['borg', 'init', '--encryption=none', place], { env });
      return { argv: ['borg', 'create', `${place}::first`, source], env };
    },
  },
  'git-lfs': {
    version: ['git-lfs', 'version'],
    what: '`git add` of a path that git-lfs tracks',
    async prepare(bench, { source, place }) {
      await bench.run(['git', 'init', '--quiet', place]);
      await bench.run(['git', '-C', place, 'lfs', 'install', '--local']);
      writeFileSync(join(place, '.gitattributes'), '/tracked/** filter=lfs diff=lfs merge=lfs -text\n');
      await putInside(bench, source, place);
      return { argv: ['git', '-C', place, 'add', 'tracked'] };
    },
  },
  dvc: {
    version: ['dvc', '--version'],
    what: '`dvc add`',
    async prepare(bench, { source, place }) {
      const env = { DVC_NO_ANALYTICS: '1' };
      await bench.run(['git', ...GIT_USER, 'init', '--quiet', place]);
      await bench.run(['dvc', 'init', '--quiet'], { cwd: place, env });
      await putInside(bench, source, place);
      return { argv: ['dvc', 'add', '--quiet', 'tracked'], cwd: place, env };
    },
  },
};

/**
 * One run of each chosen tool on the same input, new repository each.
 * @param subject `source`, `input` (its description), `saves` (results of `mlops save` on it, for the ratio)
 */
export async function measurePeers(bench, { source, input, saves }) {
  const own = sampleOf(saves, 'seconds').median;
  for (const name of bench.options.peers) {
    const tool = TOOLS[name];
    if (tool === undefined) continue;
    const version = await versionOf(bench, tool);
    if (version === undefined) {
      bench.peers.push({ input, tool: name, what: tool.what, skipped: 'not installed' });
      continue;
    }
    const place = bench.path(`peer-${name}`);
    const { argv, ...options } = await tool.prepare(bench, { source, place });
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

async function versionOf(bench, { version }) {
  const { code, stdout } = await bench.runner.tryRun(version, { capture: true });
  return code === 0 ? /\d+(?:\.\d+)+/.exec(stdout)?.[0] : undefined;
}

/** Below `tracked`, as hard links: a copy would be one more thing to write back while the tool runs. */
async function putInside(bench, source, place) {
  const inside = join(place, 'tracked');
  if (statSync(source).isFile()) mkdirSync(inside);
  await bench.run(['cp', '-al', source, inside]);
}
