import { describe, expect, test } from 'vitest';
import { deleteVersion, deprecate } from '../../../src/core/registry/amend.ts';
import { loadModel } from '../../../src/core/registry/model-state.ts';
import { resolveVersion } from '../../../src/core/registry/resolve-version.ts';
import { digestOf } from '../../../src/core/repository/digest.ts';
import { encodeDocument } from '../../../src/core/repository/document.ts';
import type { JsonValue } from '../../../src/lib/canonical-json.ts';
import { documentsOf, eventPaths, memoryRepository, saveVersion } from '../../support/memory-repository.ts';

const recordAt = (label: string): string => `models/fraud/versions/${label}.json`;

describe('save', () => {
  test('writes the model, the record and an event that saw exactly the bytes of the record', async () => {
    const repository = await memoryRepository();
    const saved = await saveVersion(repository, 'v1', {
      metrics: new Map([['accuracy', 0.95]]),
      params: new Map([['depth', '10']]),
      tags: new Map([['team', 'risk']]),
      description: 'a first try',
    });
    const [event = ''] = await eventPaths(repository.documents);
    expect(saved.written).toEqual(
      ['models/fraud/model.json', recordAt('v1'), event].map((path) => `.mlops/${path}`),
    );
    const bytes = (await repository.plain.read(recordAt('v1'))) ?? new Uint8Array();
    const { log, versions } = await loadModel(repository, 'fraud');
    expect(log.newestFirst[0]).toMatchObject({
      type: 'saved',
      subject: { model: 'fraud', version: 'v1' },
      digest: saved.stored.digest,
      evidence: [{ type: 'record', digest: digestOf(bytes) }],
      parents: [],
    });
    expect(versions[0]).toMatchObject({
      record: {
        path: 'model.bin',
        kind: 'file',
        files: 1,
        metrics: { accuracy: 0.95 },
        params: { depth: '10' },
      },
      tags: { team: 'risk' },
      description: 'a first try',
      stages: [],
    });
  });

  test('of the same bytes under the same label writes nothing', async () => {
    const repository = await memoryRepository();
    const first = await saveVersion(repository, 'v1');
    const before = await documentsOf(repository.plain);
    const again = await saveVersion(repository, 'v1');
    expect(again).toMatchObject({ created: false, event: first.event, written: first.written });
    expect(await documentsOf(repository.plain)).toEqual(before);
  });

  test('of other bytes under the same label is a conflict that changes nothing, in a dry run too', async () => {
    const repository = await memoryRepository();
    await saveVersion(repository, 'v1');
    const before = await documentsOf(repository.plain);
    const source = await repository.source('other.bin', 'other bytes');
    for (const dryRun of [false, true]) {
      await expect(saveVersion(repository, 'v1', { source, dryRun })).rejects.toMatchObject({
        code: 'VERSION_EXISTS',
        exitCode: 5,
        retryable: false,
        hint: expect.stringContaining('--bump patch'),
      });
    }
    expect(await documentsOf(repository.plain)).toEqual(before);
  });

  test('without a label repeats nothing that the newest version says already', async () => {
    const repository = await memoryRepository();
    const first = await saveVersion(repository, 'v1', { label: undefined });
    expect(first.record.version).toBe('20260101T000000Z');
    expect(await saveVersion(repository, 'v1', { label: undefined })).toMatchObject({ created: false });
    const better = new Map([['accuracy', 0.96]]);
    const second = await saveVersion(repository, 'v1', { label: undefined, metrics: better });
    expect(second).toMatchObject({
      created: true,
      record: { version: '20260101T000000Z-2', lineage: { parent: first.record.version } },
    });
  });

  test('of a deleted label is refused for good', async () => {
    const repository = await memoryRepository();
    await saveVersion(repository, 'v1');
    await deleteVersion(repository, 'fraud@v1', 'wrong data');
    await expect(saveVersion(repository, 'v1')).rejects.toMatchObject({
      code: 'VERSION_EXISTS',
      exitCode: 5,
    });
  });

  test.each(['V1', 'v1'.toUpperCase()])(
    'of %s beside v1 is refused: they differ in case only',
    async (label) => {
      const repository = await memoryRepository();
      await saveVersion(repository, 'v1');
      await expect(saveVersion(repository, label)).rejects.toMatchObject({
        code: 'VERSION_EXISTS',
        exitCode: 5,
      });
      await expect(saveVersion(repository, 'v2', { model: 'Fraud' })).rejects.toMatchObject({
        code: 'MODEL_EXISTS',
        hint: 'did you mean fraud?',
      });
    },
  );

  test('of a label that names a stage is refused', async () => {
    const repository = await memoryRepository();
    await expect(saveVersion(repository, 'production')).rejects.toMatchObject({
      code: 'LABEL_INVALID',
      exitCode: 2,
    });
  });

  test('of nothing says so, and leaves no model behind', async () => {
    const repository = await memoryRepository();
    const before = await documentsOf(repository.plain);
    const source = `${repository.root}/nothing`;
    await expect(saveVersion(repository, 'v1', { source })).rejects.toMatchObject({
      code: 'SOURCE_MISSING',
      exitCode: 2,
    });
    expect(await documentsOf(repository.plain)).toEqual(before);
  });

  test('takes the place of the record that an interrupted save left', async () => {
    const repository = await memoryRepository();
    await saveVersion(repository, 'v1');
    for (const path of await eventPaths(repository.documents)) await repository.plain.remove(path);
    const { versions, unregistered } = await loadModel(repository, 'fraud');
    expect([versions.length, unregistered.length]).toEqual([0, 1]);
    const source = await repository.source('other.bin', 'other bytes');
    const saved = await saveVersion(repository, 'v1', { source });
    expect(saved.created).toBe(true);
    const after = await loadModel(repository, 'fraud');
    expect(after.versions.map(({ record }) => record.digest)).toEqual([saved.stored.digest]);
    expect(after.problems).toEqual([]);
  });

  test.each([
    ['missing', undefined, 'RECORD_MISSING'],
    ['cut short', '{\n  "createdAt', 'JSON_INVALID'],
  ])('never takes the label of a version whose record is %s', async (_what, text, code) => {
    const repository = await memoryRepository();
    await saveVersion(repository, 'v1');
    if (text === undefined) await repository.plain.remove(recordAt('v1'));
    else await repository.plain.write(recordAt('v1'), Buffer.from(text));
    const before = await documentsOf(repository.plain);
    await expect(saveVersion(repository, 'v1')).rejects.toMatchObject({ code, exitCode: 3 });
    expect(await documentsOf(repository.plain)).toEqual(before);
    expect((await saveVersion(repository, 'x', { label: undefined, bump: 'minor' })).record.version).toBe(
      'v0.1.0',
    );
  });

  test('refuses what no reader would take: too long an actor, too many data sources', async () => {
    const repository = await memoryRepository({ actor: 'x'.repeat(1001) });
    const before = await documentsOf(repository.plain);
    await expect(saveVersion(repository, 'v1')).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      exitCode: 2,
      message: expect.stringContaining('createdBy'),
    });
    const data = Array.from({ length: 101 }, (_none, index) => ({
      role: `r${index}`,
      path: repository.root,
    }));
    await expect(saveVersion(repository, 'v1', { data })).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      message: expect.stringContaining('100'),
    });
    expect(await documentsOf(repository.plain)).toEqual(before);
  });

  test('writes nothing at all into a repository that needs unknown features', async () => {
    const repository = await memoryRepository({ unknownFeatures: ['sharding'] });
    const before = await documentsOf(repository.plain);
    await expect(saveVersion(repository, 'v1')).rejects.toMatchObject({
      code: 'FORMAT_UNSUPPORTED',
      exitCode: 2,
    });
    expect(await documentsOf(repository.plain)).toEqual(before);
    const { digest } = await (
      await repository.artifacts()
    ).digest(await repository.source('model.bin', 'bytes of v1'));
    expect(await (await repository.artifacts()).present(digest)).toBe(false);
  });

  test('in a dry run says what it would be called and stores nothing', async () => {
    const repository = await memoryRepository();
    const before = await documentsOf(repository.plain);
    const would = await saveVersion(repository, 'v1', { label: undefined, bump: 'major', dryRun: true });
    expect(would).toMatchObject({
      created: false,
      event: undefined,
      written: [],
      record: { version: 'v1.0.0' },
    });
    expect(await documentsOf(repository.plain)).toEqual(before);
    expect(await (await repository.artifacts()).present(would.stored.digest)).toBe(false);
  });

  test.each([
    ['inside', 'build/model.bin', 'build/model.bin'],
    ['a name that starts with two dots', '..model', '..model'],
  ])('records the path of a source %s relative to the root', async (_what, path, expected) => {
    const repository = await memoryRepository();
    const source = await repository.source(path, 'x');
    expect((await saveVersion(repository, 'v1', { source })).record.path).toBe(expected);
  });

  test('records no path that a reader would refuse', async () => {
    const repository = await memoryRepository();
    const source = await repository.source('odd\\name', 'x');
    expect((await saveVersion(repository, 'v1', { source })).record.path).toBe('artifact');
    expect((await resolveVersion(repository, 'fraud')).version.record.version).toBe('v1');
  });

  test('records the data by role, path, digest and size', async () => {
    const repository = await memoryRepository();
    const path = await repository.source('data/train.csv', 'a,b\n1,2\n');
    const { record } = await saveVersion(repository, 'v1', { data: [{ role: 'train', path }] });
    expect(record.lineage.data).toEqual([
      {
        role: 'train',
        path: 'data/train.csv',
        digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
        size: 8,
      },
    ]);
  });
});

describe('the next semantic version', () => {
  test.each([
    [[], 'patch', 'v0.0.1'],
    [[], 'major', 'v1.0.0'],
    [['v1.2.3'], 'patch', 'v1.2.4'],
    [['v1.2.3'], 'minor', 'v1.3.0'],
    [['1.2.3'], 'major', '2.0.0'],
    [['v1.9.0', 'v1.10.0', 'v1.2.0'], 'patch', 'v1.10.1'],
    [['nightly', '20260101T000000Z'], 'patch', 'v0.0.1'],
  ] as const)('after %j is, for %s, %s', async (labels, bump, expected) => {
    const repository = await memoryRepository();
    for (const label of labels) await saveVersion(repository, label);
    const { record } = await saveVersion(repository, 'next', { label: undefined, bump });
    expect(record.version).toBe(expected);
  });

  test('counts deleted versions, since a label is never used twice', async () => {
    const repository = await memoryRepository();
    await saveVersion(repository, 'v1.0.0');
    await saveVersion(repository, 'v1.0.1');
    await deleteVersion(repository, 'fraud@v1.0.1', 'wrong');
    expect((await saveVersion(repository, 'next', { label: undefined, bump: 'patch' })).record.version).toBe(
      'v1.0.2',
    );
  });
});

describe('a reference', () => {
  test('to the latest version is the newest that was not deleted', async () => {
    const repository = await memoryRepository();
    for (const label of ['v1', 'v2', 'v3']) await saveVersion(repository, label);
    await deleteVersion(repository, 'fraud@v3', 'wrong');
    await deprecate(repository, 'fraud@v2', 'old');
    for (const reference of ['fraud', 'fraud@latest']) {
      expect((await resolveVersion(repository, reference)).version.record.version).toBe('v2');
    }
    await expect(resolveVersion(repository, 'fraud@v3')).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('was deleted on 2026-01-01'),
    });
  });

  test.each([
    ['a damaged record', async (path: string) => path, 'JSON_INVALID'],
    ['a missing record', async () => undefined, 'RECORD_MISSING'],
  ])('to the latest never falls back to an older version because of %s', async (_what, choose, code) => {
    const repository = await memoryRepository();
    for (const label of ['v1', 'v2']) await saveVersion(repository, label);
    const path = await choose(recordAt('v2'));
    if (path === undefined) await repository.plain.remove(recordAt('v2'));
    else await repository.plain.write(path, Buffer.from('{'));
    await expect(resolveVersion(repository, 'fraud')).rejects.toMatchObject({ code, exitCode: 3 });
    expect((await resolveVersion(repository, 'fraud@v1')).version.record.version).toBe('v1');
  });

  test('to the latest does not stumble over a damaged older version', async () => {
    const repository = await memoryRepository();
    await saveVersion(repository, 'v1');
    repository.tick(1000);
    await saveVersion(repository, 'v2');
    await repository.plain.write(recordAt('v1'), Buffer.from('{'));
    expect((await resolveVersion(repository, 'fraud')).version.record.version).toBe('v2');
  });

  test('by digest finds the version, says when it is ambiguous, and when there is none', async () => {
    const repository = await memoryRepository();
    const { stored } = await saveVersion(repository, 'v1');
    await saveVersion(repository, 'v1', { model: 'churn' });
    const found = await resolveVersion(repository, stored.digest.slice(0, 'sha256:'.length + 8));
    expect(found.version.record.digest).toBe(stored.digest);
    await expect(resolveVersion(repository, 'sha256:00000000')).rejects.toMatchObject({
      code: 'VERSION_NOT_FOUND',
    });
  });

  test.each([
    '',
    '@v1',
    'fraud@',
    'fraud@../x',
    'a/b',
    '../fraud',
    'sha256:12',
    'sha256:XYZXYZXY',
    'run:',
    'con',
    'x'.repeat(200),
  ])('written as %j is refused with exit 2', async (reference) => {
    const repository = await memoryRepository();
    await expect(resolveVersion(repository, reference)).rejects.toMatchObject({
      code: 'REFERENCE_INVALID',
      exitCode: 2,
    });
  });
});

describe('a record', () => {
  async function rewrite(change: (record: Record<string, unknown>) => object) {
    const repository = await memoryRepository();
    await saveVersion(repository, 'v1');
    const record = JSON.parse(
      Buffer.from((await repository.plain.read(recordAt('v1'))) ?? []).toString(),
    ) as Record<string, unknown>;
    await repository.plain.write(
      recordAt('v1'),
      encodeDocument({ ...record, ...change(record) } as JsonValue),
    );
    return repository;
  }

  test.each([
    ['another metric', { metrics: { accuracy: 1 } }],
    ['another digest', { digest: `sha256:${'0'.repeat(64)}` }],
    ['a member of a newer program', { fancy: true }],
  ])('that was changed to say %s is no version any more: no event names its bytes', async (_what, change) => {
    const repository = await rewrite(() => change);
    await expect(resolveVersion(repository, 'fraud@v1')).rejects.toMatchObject({
      code: 'RECORD_DAMAGED',
      exitCode: 3,
    });
    const { versions, unregistered, problems } = await loadModel(repository, 'fraud');
    expect({ versions, unregistered }).toEqual({ versions: [], unregistered: [] });
    expect(problems).toEqual([expect.objectContaining({ kind: 'record', path: `.mlops/${recordAt('v1')}` })]);
  });

  test.each([
    ['path', '../../../etc/passwd'],
    ['path', '/etc/passwd'],
    ['path', 'a/.git/config'],
    ['path', '..'],
    ['version', '../v1'],
    ['model', '../../fraud'],
  ])('whose %s is %j is refused with exit 4', async (member, value) => {
    const repository = await rewrite(() => ({ [member]: value }));
    await expect(resolveVersion(repository, 'fraud@v1')).rejects.toMatchObject({
      code: 'UNSAFE_PATH',
      exitCode: 4,
    });
  });

  test.each([
    ['a version of another name', { version: 'v2' }, 'RECORD_DAMAGED', 3],
    [
      '1,001 metrics',
      { metrics: Object.fromEntries(Array.from({ length: 1001 }, (_none, index) => [`m${index}`, 1])) },
      'DOCUMENT_INVALID',
      3,
    ],
    [
      '257 tags',
      { tags: Object.fromEntries(Array.from({ length: 257 }, (_none, index) => [`t${index}`, ''])) },
      'DOCUMENT_INVALID',
      3,
    ],
    ['a number for a tag', { tags: { team: 1 } }, 'DOCUMENT_INVALID', 3],
    ['a newer version of the document', { schema: 'mlops.version/2' }, 'FORMAT_UNSUPPORTED', 2],
  ])('with %s is refused', async (_what, change, code, exitCode) => {
    const repository = await rewrite(() => change);
    await expect(resolveVersion(repository, 'fraud@v1')).rejects.toMatchObject({ code, exitCode });
  });
});
