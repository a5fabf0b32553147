import { writeTree } from '../fixtures.mjs';
import { MODEL, packBytes } from '../save/saving.mjs';
import { measurePull, measurePush } from './moving.mjs';
import { measurePeers } from './peers.mjs';
import { withServer } from './server.mjs';

export const treeGroup = {
  rows: ['tree-push', 'tree-push-memory', 'tree-pull', 'tree-pull-memory', 'tree-peers'],
  space: 8 * 2 ** 30,
  async run(bench) {
    const count = bench.scaled(100_000, 10);
    const source = bench.path('tree');
    await writeTree(source, { count, content: 'random', signal: bench.signal });
    const repository = await bench.repository('tree-repository');
    await bench.mlops(repository, ['save', MODEL, source, '--version', 'v1']);
    const what = `${count.toLocaleString('en')} files of 1-10 KB`;
    await withServer(bench, async (server) => {
      const subject = { id: 'tree', what, repository, bytes: packBytes(repository) };
      const { results, remote } = await measurePush(bench, server, subject);
      const pulls = bench.wants('tree-pull', 'tree-peers')
        ? await measurePull(bench, server, { ...subject, remote })
        : [];
      if (bench.wants('tree-peers'))
        await measurePeers(bench, server, { input: what, source, pushes: results, pulls });
    });
    bench.remove(repository, source);
  },
};
