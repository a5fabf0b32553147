import { rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fingerprintsOf, readOverview, writeOverview } from '../../../src/core/registry/overview-cache.ts';
import { createLocalDocumentStore } from '../../../src/storage/local/document-store.ts';
import { tempDirectory } from '../../support/temp-repo.ts';

const OVERVIEW = {
  model: 'fraud',
  versions: 1,
  latest: 'v1',
  stages: {},
  updatedAt: '2026-01-01T00:00:00.000Z',
};
const CACHED = { version: 'overview/1', fingerprints: 'x', overview: OVERVIEW };
const AN_HOUR = 3_600_000;

/** A store that thinks it is an hour later, so that files written just now are old enough to be trusted. */
async function settledStore(): Promise<{
  directory: string;
  store: ReturnType<typeof createLocalDocumentStore>;
}> {
  const directory = join(await tempDirectory(), '.mlops');
  const store = createLocalDocumentStore(directory, { now: () => Date.now() + AN_HOUR });
  await store.write('models/fraud/versions/v1.json', Buffer.from('{}\n'));
  await store.write('models/fraud/events/e.json', Buffer.from('{}\n'));
  return { directory, store };
}

test('gives back what was written while no file of the model changes', async () => {
  const { store } = await settledStore();
  const fingerprints = (await fingerprintsOf(store, 'fraud')) ?? '';
  expect(await readOverview(store, 'fraud', fingerprints)).toBeUndefined();
  await writeOverview(store, OVERVIEW, fingerprints);
  expect(await readOverview(store, 'fraud', await fingerprintsOf(store, 'fraud'))).toEqual(OVERVIEW);
});

test.each([
  ['a new file', (at: string) => writeFile(join(at, 'events/f.json'), '{}\n')],
  ['a removed file', (at: string) => rm(join(at, 'events/e.json'))],
  ['an edited file', (at: string) => writeFile(join(at, 'versions/v1.json'), '[]\n')],
  ['a touched file', (at: string) => utimes(join(at, 'versions/v1.json'), 1, 1)],
  ['a model.json', (at: string) => writeFile(join(at, 'model.json'), '{}\n')],
])('is not used after %s', async (_what, change) => {
  const { directory, store } = await settledStore();
  await writeOverview(store, OVERVIEW, (await fingerprintsOf(store, 'fraud')) ?? '');
  await change(join(directory, 'models/fraud'));
  expect(await readOverview(store, 'fraud', await fingerprintsOf(store, 'fraud'))).toBeUndefined();
});

test('has no fingerprint for a file so young that an edit could hide behind the clock', async () => {
  const directory = join(await tempDirectory(), '.mlops');
  const store = createLocalDocumentStore(directory);
  await store.write('models/fraud/versions/v1.json', Buffer.from('{}\n'));
  expect(await fingerprintsOf(store, 'fraud')).toBeUndefined();
});

test('takes a well-formed text for an overview', async () => {
  const { store } = await settledStore();
  await store.writeCache('overview-fraud', Buffer.from(JSON.stringify(CACHED)));
  expect(await readOverview(store, 'fraud', 'x')).toEqual(OVERVIEW);
});

test.each([
  '',
  '{',
  '{"version":"overview/1"}',
  '[]',
  '{"version":"overview/0","fingerprints":"x","overview":{}}',
  ...[
    null,
    { model: 1 },
    { versions: '1' },
    { latest: 1 },
    { updatedAt: false },
    { stages: [] },
    { stages: { a: 1 } },
  ].map((wrong) =>
    JSON.stringify({ ...CACHED, overview: wrong === null ? null : { ...OVERVIEW, ...wrong } }),
  ),
  JSON.stringify({ ...CACHED, fingerprints: 'y' }),
])('takes %j for no overview', async (text) => {
  const { store } = await settledStore();
  await store.writeCache('overview-fraud', Buffer.from(text));
  expect(await readOverview(store, 'fraud', 'x')).toBeUndefined();
});
