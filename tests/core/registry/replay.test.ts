import fc from 'fast-check';
import { expect, test } from 'vitest';
import { loadEventLog, stageTips } from '../../../src/core/audit/index.ts';
import { annotate, deleteVersion } from '../../../src/core/registry/amend.ts';
import { loadModel } from '../../../src/core/registry/model-state.ts';
import { verify } from '../../../src/core/maintenance/verify.ts';
import type { DocumentStore } from '../../../src/storage/document-store.ts';
import {
  documentsOf,
  memoryRepository,
  promoteTo,
  rollbackStage,
  saveVersion,
  type MemoryRepository,
} from '../../support/memory-repository.ts';

const commands = fc.array(
  fc.record({
    command: fc.constantFrom('save', 'promote', 'promote', 'rollback', 'annotate', 'delete'),
    version: fc.nat(20),
    stage: fc.constantFrom('production', 'staging'),
  }),
  { maxLength: 14 },
);

interface Model {
  saved: string[];
  deleted: Set<string>;
  held: Record<string, string>;
}

/** Runs a command and says what a person would expect of it; refusals must leave everything as it is. */
async function step(
  repository: MemoryRepository,
  expected: Model,
  { command, version, stage }: { command: string; version: number; stage: string },
): Promise<void> {
  if (command === 'save') {
    const label = `v${expected.saved.length + 1}`;
    await saveVersion(repository, label);
    expected.saved.push(label);
    return;
  }
  const label = expected.saved[version % Math.max(1, expected.saved.length)] ?? 'v1';
  const before = await documentsOf(repository.plain);
  try {
    if (command === 'promote') {
      await promoteTo(repository, `fraud@${label}`, stage);
      expected.held[stage] = label;
    } else if (command === 'rollback') {
      expected.held[stage] = (await rollbackStage(repository, undefined, stage)).version;
    } else if (command === 'annotate') {
      await annotate(repository, { reference: `fraud@${label}`, tags: new Map([['seen', String(version)]]) });
    } else {
      await deleteVersion(repository, `fraud@${label}`, 'not wanted');
      expected.deleted.add(label);
      expect(Object.values(expected.held)).not.toContain(label);
    }
  } catch (error) {
    expect([2, 4]).toContain((error as { exitCode: number }).exitCode);
    expect(await documentsOf(repository.plain)).toEqual(before);
  }
}

async function assertReplayEqualsPointers(repository: MemoryRepository): Promise<void> {
  const log = await loadEventLog(repository.documents, 'fraud');
  const state = await loadModel(repository, 'fraud');
  for (const [stage, stageState] of state.stages) {
    const tips = stageTips(log, stage);
    expect(stageState.status).toBe('ok');
    if (stageState.status === 'ok') expect(tips.map(({ id }) => id)).toContain(stageState.pointer.event);
  }
  const { damage, conflict } = await verify(repository, { references: [], metadataOnly: true });
  expect({ damage, conflict }).toEqual({ damage: [], conflict: undefined });
}

test('after any sequence of commands the events replay to the pointers', async () => {
  await fc.assert(
    fc.asyncProperty(commands, async (sequence) => {
      const repository = await memoryRepository();
      const expected: Model = { saved: [], deleted: new Set(), held: {} };
      for (const each of sequence) await step(repository, expected, each);
      await assertReplayEqualsPointers(repository);
      const { versions, stages } = await loadModel(repository, 'fraud');
      expect(versions.map(({ record }) => record.version)).toEqual(expected.saved);
      expect(
        new Set(versions.filter((version) => version.deleted).map(({ record }) => record.version)),
      ).toEqual(expected.deleted);
      for (const [stage, label] of Object.entries(expected.held)) {
        expect(stages.get(stage)).toMatchObject({ status: 'ok', pointer: { version: label } });
      }
    }),
    { numRuns: 40 },
  );
});

/** What Git does with two branches: new files from both; a pointer that both changed is kept from ours. */
async function mergeInto(
  ours: DocumentStore,
  theirs: DocumentStore,
  base: Map<string, Uint8Array>,
): Promise<void> {
  const mine = await documentsOf(ours);
  for (const [path, bytes] of await documentsOf(theirs)) {
    const original = base.get(path);
    const changedByThem = original === undefined || Buffer.compare(original, bytes) !== 0;
    const mineNow = mine.get(path);
    const changedByUs =
      mineNow !== undefined && (original === undefined || Buffer.compare(original, mineNow) !== 0);
    if (changedByThem && !changedByUs) await ours.write(path, bytes);
  }
}

test('after any two branches are merged every pointer names a tip, and the next event joins the heads', async () => {
  await fc.assert(
    fc.asyncProperty(commands, commands, async (left, right) => {
      const ours = await memoryRepository();
      const theirs = await memoryRepository();
      for (const label of ['v1', 'v2', 'v3']) await saveVersion(ours, label);
      await promoteTo(ours, 'fraud@v1');
      const base = await documentsOf(ours.plain);
      for (const [path, bytes] of base) await theirs.plain.write(path, bytes);
      for (const label of ['v1', 'v2', 'v3']) {
        await (await theirs.artifacts()).store(await theirs.source('model.bin', `bytes of ${label}`));
      }
      theirs.tick(500);
      const withoutSaves = (each: { command: string }): boolean => each.command !== 'save';
      const expected: Model = { saved: ['v1', 'v2', 'v3'], deleted: new Set(), held: { production: 'v1' } };
      const other: Model = { saved: ['v1', 'v2', 'v3'], deleted: new Set(), held: { production: 'v1' } };
      for (const each of left.filter(withoutSaves)) await step(ours, expected, each);
      for (const each of right.filter(withoutSaves)) await step(theirs, other, each);
      await mergeInto(ours.plain, theirs.plain, base);

      const state = await loadModel(ours, 'fraud');
      for (const stage of state.stages.values()) expect(stage.status).toBe('ok');
      expect(state.log.missingParents).toEqual([]);
      await saveVersion(ours, 'v9');
      const after = await loadEventLog(ours.documents, 'fraud');
      expect(after.heads).toHaveLength(1);
      expect(after.newestFirst[0]?.parents).toEqual(state.log.heads);
    }),
    { numRuns: 25 },
  );
});
