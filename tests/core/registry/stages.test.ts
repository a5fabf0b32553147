import { describe, expect, test } from 'vitest';
import { promote } from '../../../src/core/registry/promote.ts';
import { loadModel } from '../../../src/core/registry/model-state.ts';
import { resolveVersion } from '../../../src/core/registry/resolve-version.ts';
import { heldVersion } from '../../../src/core/registry/stage-pointer.ts';
import { verify } from '../../../src/core/maintenance/verify.ts';
import { encodeDocument } from '../../../src/core/repository/document.ts';
import {
  documentsOf,
  eventPaths,
  memoryRepository,
  promoteTo,
  rollbackStage,
  saveVersion,
  type MemoryRepository,
} from '../../support/memory-repository.ts';

const POINTER = 'models/fraud/stages/production.json';
const PENDING = 'tmp/pending.json';

async function withThreeVersions(): Promise<MemoryRepository> {
  const repository = await memoryRepository();
  for (const label of ['v1', 'v2', 'v3']) await saveVersion(repository, label);
  return repository;
}

async function stageOf(repository: MemoryRepository, stage = 'production') {
  const state = (await loadModel(repository, 'fraud')).stages.get(stage);
  if (state === undefined) throw new Error(`no stage ${stage}`);
  return state;
}

/** The state that a crash after the event and before the pointer leaves. */
async function interrupt(
  repository: MemoryRepository,
  reference: string,
  host = repository.host,
): Promise<void> {
  const before = await repository.plain.read(POINTER);
  await promoteTo(repository, reference);
  if (before === undefined) await repository.plain.remove(POINTER);
  else await repository.plain.write(POINTER, before);
  await repository.plain.write(
    PENDING,
    encodeDocument({ schema: 'mlops.pending/1', host, model: 'fraud', stage: 'production' }),
  );
}

describe('promote', () => {
  test('writes one event and one pointer that names it', async () => {
    const repository = await withThreeVersions();
    const moved = await promoteTo(repository, 'fraud@v1');
    expect(moved).toMatchObject({
      model: 'fraud',
      stage: 'production',
      version: 'v1',
      previous: undefined,
      moved: true,
    });
    expect(moved.written).toEqual([
      expect.stringMatching(/^\.mlops\/models\/fraud\/events\/.*-promoted-/),
      `.mlops/${POINTER}`,
    ]);
    const state = await stageOf(repository);
    expect(state).toMatchObject({ status: 'ok', pointer: { version: 'v1', event: moved.event } });
    expect((await promoteTo(repository, 'fraud@v2')).previous).toBe('v1');
  });

  test('of the version that is there already writes nothing', async () => {
    const repository = await withThreeVersions();
    const first = await promoteTo(repository, 'fraud@v1');
    const before = await documentsOf(repository.plain);
    expect(await promoteTo(repository, 'fraud@v1')).toMatchObject({ moved: false, event: first.event });
    expect(await documentsOf(repository.plain)).toEqual(before);
  });

  test('of the version that is there already names its files, so that Git hears of what a crash kept from it', async () => {
    const repository = await withThreeVersions();
    const first = await promoteTo(repository, 'fraud@v1');
    expect((await promoteTo(repository, 'fraud@v1')).written).toEqual(first.written);
  });

  test.each([
    ['fraud@v1', 'prodution', /did you mean production/],
    ['fraud@v1', 'canary', /mlops config set stages staging,production,canary/],
    ['fraud@v4', 'production', /did you mean fraud@v1, fraud@v2, fraud@v3/],
    ['frau@v1', 'production', /did you mean fraud/],
  ])('of %s to %s is refused with the nearest names', async (reference, stage, hint) => {
    const repository = await withThreeVersions();
    const before = await documentsOf(repository.plain);
    await expect(promoteTo(repository, reference, stage)).rejects.toMatchObject({
      exitCode: 2,
      hint: expect.stringMatching(hint),
    });
    expect(await documentsOf(repository.plain)).toEqual(before);
  });

  test('of a version whose bytes are not here leaves the stage alone', async () => {
    const repository = await withThreeVersions();
    const stranger = await memoryRepository();
    for (const [path, bytes] of await documentsOf(repository.plain)) await stranger.plain.write(path, bytes);
    await expect(promoteTo(stranger, 'fraud@v1')).rejects.toMatchObject({
      exitCode: 3,
      code: 'OBJECT_MISSING',
    });
    expect(await stranger.plain.read(POINTER)).toBeUndefined();
  });
});

describe('rollback', () => {
  test('goes one version further back each time, and a promotion starts anew', async () => {
    const repository = await withThreeVersions();
    for (const label of ['v1', 'v2', 'v3']) await promoteTo(repository, `fraud@${label}`);
    expect((await rollbackStage(repository)).version).toBe('v2');
    expect((await rollbackStage(repository)).version).toBe('v1');
    await expect(rollbackStage(repository)).rejects.toMatchObject({
      code: 'NO_PREVIOUS_VERSION',
      exitCode: 2,
    });
    await promoteTo(repository, 'fraud@v3');
    expect((await rollbackStage(repository)).version).toBe('v1');
  });

  test('to a named version goes there, and the next one goes back from there', async () => {
    const repository = await withThreeVersions();
    for (const label of ['v1', 'v2', 'v3']) await promoteTo(repository, `fraud@${label}`);
    expect(await rollbackStage(repository, 'v1')).toMatchObject({ version: 'v1', previous: 'v3' });
    await expect(rollbackStage(repository)).rejects.toMatchObject({ code: 'NO_PREVIOUS_VERSION' });
    await expect(rollbackStage(repository, 'v1')).rejects.toMatchObject({ code: 'NO_PREVIOUS_VERSION' });
  });

  test('passes over a version that was deleted since', async () => {
    const repository = await withThreeVersions();
    for (const label of ['v1', 'v2', 'v3']) await promoteTo(repository, `fraud@${label}`);
    const { deleteVersion } = await import('../../../src/core/registry/amend.ts');
    await deleteVersion(repository, 'fraud@v2', 'trained on wrong data');
    expect((await rollbackStage(repository)).version).toBe('v1');
  });

  test('of a stage that holds nothing says so', async () => {
    const repository = await withThreeVersions();
    await expect(rollbackStage(repository)).rejects.toMatchObject({
      code: 'NO_PREVIOUS_VERSION',
      hint: expect.stringContaining('mlops rollback fraud --stage production --to'),
    });
  });

  test('is an event of its own, with its reason', async () => {
    const repository = await withThreeVersions();
    await promoteTo(repository, 'fraud@v1');
    await promoteTo(repository, 'fraud@v2');
    const { event } = await rollbackStage(repository);
    const { log } = await loadModel(repository, 'fraud');
    expect(log.byId.get(event)).toMatchObject({
      type: 'rolled-back',
      from: 'v2',
      to: 'v1',
      reason: 'it misbehaves',
    });
  });
});

describe('a pointer', () => {
  test('that somebody set back without an event is behind, and no reader takes its word', async () => {
    const repository = await withThreeVersions();
    await promoteTo(repository, 'fraud@v1');
    const old = await repository.plain.read(POINTER);
    await promoteTo(repository, 'fraud@v2');
    await repository.plain.write(POINTER, old ?? new Uint8Array());
    const state = await stageOf(repository);
    expect(state).toMatchObject({ status: 'behind', interrupted: false });
    expect(heldVersion(state)).toBeUndefined();
    for (const read of [
      resolveVersion(repository, 'fraud@production'),
      promoteTo(repository, 'fraud@v3'),
      rollbackStage(repository),
    ]) {
      await expect(read).rejects.toMatchObject({
        code: 'STAGE_BEHIND',
        exitCode: 5,
        hint: expect.stringContaining('mlops promote fraud@v2 --to production --resolve'),
      });
    }
  });

  test('that somebody removed is behind', async () => {
    const repository = await withThreeVersions();
    await promoteTo(repository, 'fraud@v1');
    await repository.plain.remove(POINTER);
    expect(await stageOf(repository)).toMatchObject({ status: 'behind', pointer: undefined });
  });

  test.each([
    ['another version', { version: 'v2' }],
    ['another digest', { digest: `sha256:${'0'.repeat(64)}` }],
    ['another model', { model: 'churn' }],
    ['another stage', { stage: 'staging' }],
    ['an event that is not there', { event: `sha256:${'0'.repeat(64)}` }],
    ['a version that is a path', { version: '../../../etc/passwd' }],
  ])('edited to name %s is damaged, exit 3', async (_what, change) => {
    const repository = await withThreeVersions();
    await promoteTo(repository, 'fraud@v1');
    const pointer = JSON.parse(
      Buffer.from((await repository.plain.read(POINTER)) ?? []).toString(),
    ) as object;
    await repository.plain.write(POINTER, encodeDocument({ ...pointer, ...change }));
    expect(await stageOf(repository)).toMatchObject({ status: 'damaged', problem: { exitCode: 3 } });
    await expect(resolveVersion(repository, 'fraud@production')).rejects.toMatchObject({ exitCode: 3 });
    await expect(promoteTo(repository, 'fraud@v3')).rejects.toMatchObject({ exitCode: 3 });
    const resolved = await promote(repository, { reference: 'fraud@v1', stage: 'production', resolve: true });
    expect(resolved.moved).toBe(true);
    expect(await stageOf(repository)).toMatchObject({ status: 'ok' });
  });

  test('with conflict markers is a conflict that names each candidate and its command', async () => {
    const repository = await withThreeVersions();
    await promoteTo(repository, 'fraud@v1');
    await repository.plain.write(
      POINTER,
      Buffer.from('{\n<<<<<<< ours\n  "a": 1\n=======\n  "a": 2\n>>>>>>> theirs\n}\n'),
    );
    const state = await stageOf(repository);
    expect(state).toMatchObject({ status: 'conflict', problem: { code: 'STAGE_CONFLICT', exitCode: 5 } });
    await expect(rollbackStage(repository)).rejects.toMatchObject({ exitCode: 5 });
    await expect(resolveVersion(repository, 'fraud@v1')).resolves.toMatchObject({
      version: { record: { version: 'v1' } },
    });
  });

  test('that holds itself, by way of a version with the name of the stage, ends in an error and not in a loop', async () => {
    const repository = await memoryRepository({ config: { stages: ['staging'] } });
    await saveVersion(repository, 'production');
    const widened = { ...repository, config: { ...repository.config, stages: ['staging', 'production'] } };
    await promoteTo(widened, 'fraud@production');
    await repository.plain.remove('models/fraud/versions/production.json');
    await expect(resolveVersion(widened, 'fraud@production')).rejects.toMatchObject({ exitCode: 3 });
  });
});

describe('a move that a crash interrupted between event and pointer', () => {
  test('leaves the stage where it was, and verify says so without calling it damage', async () => {
    const repository = await withThreeVersions();
    await promoteTo(repository, 'fraud@v1');
    await interrupt(repository, 'fraud@v2');
    const state = await stageOf(repository);
    expect(state).toMatchObject({ status: 'behind', interrupted: true });
    expect(heldVersion(state)).toBe('v1');
    const { damage, notices } = await verify(repository, { references: [], metadataOnly: true });
    expect(damage).toEqual([]);
    expect(notices).toEqual([expect.stringContaining('a command was interrupted')]);
  });

  test('is finished by the same command run again, with no second event, and Git hears of both files', async () => {
    const repository = await withThreeVersions();
    await promoteTo(repository, 'fraud@v1');
    await interrupt(repository, 'fraud@v2');
    const events = await eventPaths(repository.documents);
    const moved = await promoteTo(repository, 'fraud@v2');
    expect(moved).toMatchObject({ version: 'v2', previous: 'v1', moved: true });
    expect(await eventPaths(repository.documents)).toEqual(events);
    expect(moved.written).toEqual([expect.stringContaining('-promoted-'), `.mlops/${POINTER}`]);
    expect(await repository.plain.read(PENDING)).toBeUndefined();
    expect(await stageOf(repository)).toMatchObject({ status: 'ok', pointer: { version: 'v2' } });
  });

  test('is finished before another move of the stage', async () => {
    const repository = await withThreeVersions();
    await promoteTo(repository, 'fraud@v1');
    await interrupt(repository, 'fraud@v2');
    expect(await promoteTo(repository, 'fraud@v3')).toMatchObject({ version: 'v3', previous: 'v2' });
    expect((await rollbackStage(repository)).version).toBe('v2');
  });

  test('on another host counts as an edit', async () => {
    const repository = await withThreeVersions();
    await promoteTo(repository, 'fraud@v1');
    await interrupt(repository, 'fraud@v2', 'another-host');
    expect(await stageOf(repository)).toMatchObject({ status: 'behind', interrupted: false });
  });

  test.each([
    ['rubbish', '{'],
    [
      'a path for a model',
      JSON.stringify({ schema: 'mlops.pending/1', host: 'this-host', model: '../..', stage: 'production' }),
    ],
    [
      'a path for a stage',
      JSON.stringify({ schema: 'mlops.pending/1', host: 'this-host', model: 'fraud', stage: '../x' }),
    ],
  ])('a marker that holds %s stops nothing', async (_what, text) => {
    const repository = await withThreeVersions();
    await repository.plain.write(PENDING, Buffer.from(text));
    expect(await promoteTo(repository, 'fraud@v1')).toMatchObject({ moved: true });
    expect(await repository.plain.read(PENDING)).toBeUndefined();
  });
});
