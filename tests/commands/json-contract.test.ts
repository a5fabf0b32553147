import { describe, expect, test } from 'vitest';
import { registryRepo, type RegistryRepo } from '../support/registry-repo.ts';

/** Maps by names that people choose; what is in them is no part of the contract. */
const MAPS = new Set(
  ['metrics', 'nonFinite', 'params', 'tags', 'stages', 'lineage', 'formatDetails', 'models'].flatMap(
    (key) => [key, ...['models[]', 'versions[]', 'left', 'right'].map((above) => `${above}.${key}`)],
  ),
);

/** Keys of a value, dotted; `[]` stands for the elements of a list, and ends the key where they are none or no objects. */
function keysOf(value: unknown, prefix = ''): string[] {
  if (Array.isArray(value)) {
    const objects = value.filter((element) => typeof element === 'object' && element !== null);
    if (objects.length === 0) return [`${prefix}[]`];
    return [...new Set(objects.flatMap((element) => keysOf(element, `${prefix}[]`)))];
  }
  if (typeof value !== 'object' || value === null || MAPS.has(prefix)) return [prefix];
  return Object.entries(value).flatMap(([key, member]) =>
    keysOf(member, prefix === '' ? key : `${prefix}.${key}`),
  );
}

const VERSION = [
  'model',
  'version',
  'digest',
  'size',
  'files',
  'format',
  'framework',
  'createdAt',
  'createdBy',
  'stages[]',
  'metrics',
  'nonFinite',
  'params',
  'tags',
  'description',
  'deprecated',
  'deleted',
];
const EVENT = ['id', 'type', 'model', 'version', 'stage', 'from', 'to', 'digest', 'actor', 'time', 'reason'];
const under = (prefix: string, keys: readonly string[]): string[] => keys.map((key) => `${prefix}.${key}`);

async function prepared(): Promise<RegistryRepo> {
  const repo = await registryRepo();
  await repo.save('fraud', 'v1', '--metric', 'auc=0.9', '--param', 'depth=3', '--tag', 'team=risk');
  await repo.save('fraud', 'v2', '--metric', 'auc=0.95');
  await repo.json('promote', 'fraud@v1');
  await repo.write('data/train.csv', 'a,b\n');
  await repo.json('data', 'add', 'data/train.csv');
  return repo;
}

/** Restated by hand from the promises of the command line, so that a renamed key is noticed here. */
const CONTRACT: [string, string[], string[]][] = [
  [
    'save',
    ['save', 'fraud', 'README.md', '--version', 'v3'],
    [
      'model',
      'version',
      'digest',
      'referenceProfile',
      'run',
      'size',
      'files',
      'blobs.total',
      'blobs.new',
      'blobs.newBytes',
      'blobs.storedBytes',
      'event',
      'created',
      'dryRun',
      'format.name',
      'format.framework',
      'git.outcome',
      'git.commit',
    ],
  ],
  [
    'list',
    ['list'],
    [
      'models[].model',
      'models[].versions',
      'models[].latest',
      'models[].stages',
      'models[].updatedAt',
      'problems[]',
    ],
  ],
  ['list MODEL', ['list', 'fraud'], [...under('versions[]', VERSION), 'total', 'problems[]']],
  [
    'show',
    ['show', 'fraud@v1'],
    [
      ...VERSION,
      'number',
      'path',
      'kind',
      'formatDetails',
      'signature',
      'lineage',
      ...under('history[]', EVENT),
      'present.local',
      'present.remote',
      'referenceProfile',
      ...under('entries[]', ['path', 'size', 'sha256', 'executable']),
    ],
  ],
  [
    'load',
    ['load', 'fraud@v1', '-o', 'out.bin'],
    ['model', 'version', 'digest', 'path', 'outcome', 'files', 'size'],
  ],
  ['promote', ['promote', 'fraud@v2'], ['model', 'stage', 'version', 'previous', 'event', 'moved', 'commit']],
  [
    'rollback',
    ['rollback', 'fraud', '--to', 'v2', '--reason', 'x'],
    ['model', 'stage', 'version', 'previous', 'event', 'commit'],
  ],
  ['history', ['history', 'fraud'], [...under('events[]', EVENT), 'total']],
  ['history --at', ['history', 'fraud', '--at', '2100-01-01'], ['at', 'stages', 'models']],
  [
    'diff',
    ['diff', 'fraud@v1', 'fraud@v2'],
    [
      ...under('left', VERSION),
      ...under('right', VERSION),
      'identical',
      ...under('metrics[]', ['name', 'left', 'right', 'delta', 'nonFinite.left', 'nonFinite.right']),
      ...under('params[]', ['name', 'left', 'right']),
      ...under('tags[]', ['name', 'left', 'right']),
      'data[]',
      'code[]',
      ...under('files[]', ['path', 'change', 'leftSize', 'rightSize']),
    ],
  ],
  ['annotate', ['annotate', 'fraud@v1', '--tag', 'a=b'], ['model', 'version', 'event', 'commit']],
  ['deprecate', ['deprecate', 'fraud@v1', '--reason', 'x'], ['model', 'version', 'event', 'commit']],
  ['delete', ['delete', 'fraud@v2', '--reason', 'x'], ['model', 'version', 'event', 'commit']],
  [
    'export',
    ['export', 'fraud@v1', '-o', 'b.tar.gz'],
    ['model', 'version', 'digest', 'path', 'bundle', 'size'],
  ],
  [
    'verify',
    ['verify'],
    [
      ...under('checked', [
        'records',
        'events',
        'pointers',
        'reports',
        'runs',
        'manifests',
        'packs',
        'blobs',
        'bytes',
      ]),
      'damage[]',
      'notices[]',
    ],
  ],
  [
    'data add',
    ['data', 'add', 'data/train.csv'],
    [
      ...under('paths[]', ['path', 'digest', 'kind', 'size', 'files', 'previous', 'outcome', 'event']),
      ...under('paths[].blobs', ['total', 'new', 'newBytes', 'storedBytes']),
      'dryRun',
      'git.outcome',
      'git.commit',
    ],
  ],
  [
    'data list',
    ['data', 'list'],
    [...under('paths[]', ['path', 'kind', 'size', 'files', 'digest', 'present']), 'problems[]'],
  ],
  [
    'data history',
    ['data', 'history'],
    [...under('events[]', ['id', 'type', 'path', 'from', 'to', 'actor', 'time', 'reason']), 'total'],
  ],
  ['data remove', ['data', 'remove', 'data/train.csv'], ['path', 'digest', 'event', 'commit']],
  [
    'status',
    ['status'],
    ['clean', ...under('paths[]', ['path', 'state', 'digest', 'present', 'changes[]', 'problem']), 'remote'],
  ],
  [
    'checkout',
    ['checkout'],
    under('paths[]', ['path', 'outcome', 'digest', 'written', 'cloned', 'removed', 'bytes']),
  ],
  ['doctor', ['doctor'], under('findings[]', ['check', 'status', 'message', 'hint'])],
  ['unlock', ['unlock'], ['removed', 'owner']],
  ['completion', ['completion', 'bash'], ['shell', 'script']],
];

describe('the JSON of', () => {
  test.each(CONTRACT)('%s has exactly these keys', async (_name, argv, keys) => {
    const repo = await prepared();
    expect(keysOf(await repo.json(...argv)).toSorted()).toEqual(keys.toSorted());
  });

  test('import is that of the version it took', async () => {
    const repo = await prepared();
    await repo.json('export', 'fraud@v1', '-o', 'b.tar.gz');
    const other = await registryRepo();
    const data = await other.json('import', `${repo.root}/b.tar.gz`);
    expect(Object.keys(data).toSorted()).toEqual([
      'commit',
      'digest',
      'event',
      'files',
      'model',
      'size',
      'version',
    ]);
  });

  test('verify names kind, path, digest and problem of each damage', async () => {
    const repo = await prepared();
    await repo.write('.mlops/models/fraud/versions/v1.json', '{');
    const { stdout, code } = await repo.run('verify', '--json');
    expect(code).toBe(3);
    const { damage } = (JSON.parse(stdout) as { data: { damage: object[] } }).data;
    expect(damage.length).toBeGreaterThan(0);
    for (const each of damage)
      expect(Object.keys(each).toSorted()).toEqual(['digest', 'kind', 'path', 'problem']);
    expect(damage).toContainEqual(expect.objectContaining({ kind: 'record', digest: null }));
  });

  test('every command has digests and times of the promised form', async () => {
    const repo = await prepared();
    const text = JSON.stringify([
      await repo.json('show', 'fraud@v1'),
      await repo.json('history'),
      await repo.json('list', 'fraud'),
    ]);
    const times = [...text.matchAll(/"(?:time|createdAt)":"([^"]*)"/g)].map(([, time]) => time ?? '');
    const digests = [...text.matchAll(/"(?:digest|id)":"([^"]*)"/g)].map(([, digest]) => digest ?? '');
    expect(times.length).toBeGreaterThan(3);
    expect(times.filter((time) => !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(time))).toEqual([]);
    expect(digests.filter((digest) => !/^sha256:[0-9a-f]{64}$/.test(digest))).toEqual([]);
  });
});
