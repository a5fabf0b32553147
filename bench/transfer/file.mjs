import { writeEditedFile, writeRandomFile } from '../fixtures.mjs';
import { fixed, row } from '../rows.mjs';
import { MODEL, packBytes } from '../save/saving.mjs';
import { measurePull, measurePush } from './moving.mjs';
import { measurePeers } from './peers.mjs';
import { withServer } from './server.mjs';

const GIB = 2 ** 30;

export const fileGroup = {
  rows: ['file-push', 'file-push-memory', 'file-edit-push', 'file-pull', 'file-pull-memory', 'file-peers'],
  // Source, edited copy, objects, the same on the server a few times, and a clone.
  space: 10 * GIB,
  async run(bench) {
    const size = bench.scaled(GIB, 4096);
    const source = bench.path('model.bin');
    await writeRandomFile(source, { size, seed: 'transfer', signal: bench.signal });
    const repository = await bench.repository('file');
    await bench.mlops(repository, ['save', MODEL, source, '--version', 'v1']);
    const what = `a file of ${(size / 2 ** 20).toFixed(0)} MiB`;
    await withServer(bench, async (server) => {
      const subject = { id: 'file', what, repository, bytes: packBytes(repository) };
      const { results, remote } = await measurePush(bench, server, subject);
      const pulls = bench.wants('file-pull', 'file-peers')
        ? await measurePull(bench, server, { ...subject, remote })
        : [];
      if (bench.wants('file-edit-push')) await editRow(bench, server, { repository, source, size });
      if (bench.wants('file-peers'))
        await measurePeers(bench, server, { input: what, source, pushes: results, pulls });
    });
    bench.remove(repository, source);
  },
};

/** Pushes the first version, saves one with one hundredth changed, and counts what the second push sends. */
async function editRow(bench, server, { repository, source, size }) {
  const remote = 'file-edit';
  const edited = bench.path('model.edited');
  await server.addRemote(repository, remote);
  await server.mlops(repository, ['push', '--remote', remote]);
  await writeEditedFile(source, edited, { size, edit: 'overwritten', signal: bench.signal });
  await bench.mlops(repository, ['save', MODEL, edited, '--version', 'v2']);
  const { seconds, requests, received } = await server.counted(() =>
    server.mlops(repository, ['push', '--remote', remote]),
  );
  bench.add(
    row({
      id: 'file-edit-push',
      what: 'bytes sent for a second version, 1 % overwritten in one place',
      budget: 'about 1 %, as the bytes stored: <= 3 %',
      limit: { atMost: 0.03 },
      measured: fixed('bytes', received),
      bound: fixed('bytes', size),
      boundIs: 'the whole file',
      details: {
        'time of that push': fixed('s', seconds),
        'requests of that push': fixed('calls', requests),
      },
    }),
  );
  bench.remove(edited);
  await server.empty(remote);
}
