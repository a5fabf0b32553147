import { writeEditedFile, writeRandomFile } from '../fixtures.mjs';
import { fixed, row, sample, sampleOf } from '../rows.mjs';
import { measurePeers } from './peers.mjs';
import { copyFlushHash, opensslHash, partsOf, warm } from './physical.mjs';
import { MODEL, cpuDetail, memoryRow, packBytes, saveTask, unchangedRow } from './saving.mjs';

const GIB = 2 ** 30;
const BOUND = '`cp` + `sync` of the copy + `openssl dgst -sha256`, one after another';

export const fileGroup = {
  rows: [
    'file-save',
    'file-memory',
    'file-unchanged',
    'file-verify',
    'file-load',
    'file-second-version-overwritten',
    'file-second-version-inserted',
    'file-peers',
  ],
  // Source, copy or edited copy, two repositories, and room for what a file system holds back.
  space: 7 * GIB,
  async run(bench) {
    const size = bench.scaled(GIB, 4096);
    const subject = { size, what: `a file of ${sizeText(size)}`, source: bench.path('model.bin') };
    bench.log(subject.what);
    await writeRandomFile(subject.source, { size, seed: 'file', signal: bench.signal });
    await bench.settle();
    await warm(bench, subject.source);
    const saves = await saveRows(bench, subject);
    subject.repository = bench.path('file');
    if (bench.wants('file-unchanged'))
      bench.add(
        await unchangedRow(bench, { id: 'file-unchanged', ...subject, rounds: bench.options.repeat * 3 }),
      );
    if (bench.wants('file-verify')) await verifyRow(bench, subject);
    if (bench.wants('file-load')) await loadRow(bench, subject);
    for (const edit of ['overwritten', 'inserted']) {
      if (bench.wants(`file-second-version-${edit}`)) await secondVersionRow(bench, subject, edit);
    }
    bench.remove(subject.repository);
    if (bench.wants('file-peers')) await measurePeers(bench, { ...subject, input: subject.what, saves });
    bench.remove(subject.source);
  },
};

async function saveRows(bench, { source, what }) {
  const results = await bench.interleave(
    { bound: copyFlushHash(bench, source, bench.path('copy')), save: saveTask(bench, source, 'file') },
    bench.wants('file-save', 'file-memory', 'file-peers') ? bench.options.repeat : 1,
  );
  if (bench.wants('file-save')) {
    bench.add(
      row({
        id: 'file-save',
        what: `\`save\` of ${what}, new`,
        budget: '<= 1.6 x cp + sync + openssl',
        limit: { atMost: 1.6 },
        measured: sampleOf(results.save, 'seconds'),
        bound: sampleOf(results.bound, 'seconds'),
        boundIs: BOUND,
        details: { ...partsOf(results.bound), ...cpuDetail(results.save) },
      }),
    );
  }
  const memory = memoryRow({ id: 'file-memory', what: `that \`save\``, limit: 300, results: results.save });
  if (bench.wants('file-memory') && memory !== undefined) bench.add(memory);
  return results.save;
}

async function verifyRow(bench, { source, repository }) {
  const { data } = await bench.mlopsJson(repository, ['verify', '--deep']);
  const { checked, damage } = data;
  if (damage.length > 0) throw new Error('verify found damage in what was just saved');
  const results = await bench.interleave(
    {
      openssl: { run: () => bench.run(opensslHash(source)) },
      'verify --deep': { run: () => bench.mlops(repository, ['verify', '--deep'], { memory: true }) },
    },
    bench.options.repeat,
  );
  const speed = (runs) =>
    sample(
      'bytes/s',
      runs.map(({ seconds }) => checked.bytes / seconds),
    );
  bench.add(
    row({
      id: 'file-verify',
      what: `\`verify --deep\` of ${sizeText(checked.bytes)}`,
      budget: ">= 0.8 x openssl's speed per core",
      limit: { atLeast: 0.8 },
      measured: speed(results['verify --deep']),
      bound: speed(results.openssl),
      boundIs: '`openssl dgst -sha256`, on one core, start-up included',
      details: {
        'time of verify': sampleOf(results['verify --deep'], 'seconds'),
        ...cpuDetail(results['verify --deep']),
      },
    }),
  );
}

async function loadRow(bench, { source, repository, what }) {
  const target = bench.path('loaded');
  const results = await bench.interleave(
    {
      bound: copyFlushHash(bench, source, bench.path('copy')),
      load: {
        run: () => bench.mlops(repository, ['load', `${MODEL}@v1`, '-o', target], { memory: true }),
        after: async () => {
          await bench.run(['cmp', source, target]);
          bench.remove(target);
        },
      },
    },
    bench.options.repeat,
  );
  bench.add(
    row({
      id: 'file-load',
      what: `\`load\` of ${what}`,
      measured: sampleOf(results.load, 'seconds'),
      bound: sampleOf(results.bound, 'seconds'),
      boundIs: BOUND,
      details: { ...peakDetail(results.load), ...cpuDetail(results.load) },
    }),
  );
}

export function peakDetail(results) {
  return results.every(({ peakBytes }) => peakBytes !== undefined)
    ? { 'peak memory': sampleOf(results, 'peakBytes') }
    : {};
}

async function secondVersionRow(bench, { source, repository, size }, edit) {
  const edited = bench.path(`model.${edit}`);
  await writeEditedFile(source, edited, { size, edit, signal: bench.signal });
  await bench.run(['sync']);
  const before = packBytes(repository);
  const { data, seconds } = await bench.mlopsJson(repository, ['save', MODEL, edited, '--version', edit]);
  const stored = packBytes(repository) - before;
  bench.add(
    row({
      id: `file-second-version-${edit}`,
      what: `bytes stored for a second version, 1 % ${edit} in one place`,
      budget: 'stores <= 3 % new bytes',
      limit: { atMost: 0.03 },
      measured: fixed('bytes', stored),
      bound: fixed('bytes', size),
      boundIs: 'the whole file',
      details: {
        'storedBytes of save --json (measured is the growth of cache/packs)': fixed(
          'bytes',
          data.blobs.storedBytes,
        ),
        'time of that save': fixed('s', seconds),
      },
    }),
  );
  bench.remove(edited);
}

function sizeText(bytes) {
  return bytes >= GIB ? `${bytes / GIB} GiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
