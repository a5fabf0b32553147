import { appendFileSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { importMlruns } from '../../../src/core/runs-import/mlruns.ts';
import { runSpace } from '../runs/support.ts';

const EXPERIMENT = '428171512379652151';
const RUN = '0123456789abcdef0123456789abcdef';
const DELETED = 'f'.repeat(32);

function runMeta(lifecycle: string): string {
  return `end_time: 1700000060000\nlifecycle_stage: ${lifecycle}\nrun_name: brisk\nstart_time: 1700000000000\nstatus: 3\nuser_id: ada\n`;
}

function mlruns(): { root: string; run: string; put: (path: string, text: string) => void } {
  const root = mkdtempSync(join(tmpdir(), 'mlruns-'));
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const run = `${EXPERIMENT}/${RUN}`;
  put(`${EXPERIMENT}/meta.yaml`, 'name: fraud\nlifecycle_stage: active\ncreation_time: 1699999999999\n');
  put(`${run}/meta.yaml`, runMeta('active'));
  put(`${run}/params/depth`, '10');
  put(`${run}/tags/mlflow.parentRunId`, DELETED);
  put(`${run}/tags/mlflow.runName`, 'brisk');
  put(`${run}/metrics/val/loss`, '1700000000001 0.5 0\n1700000000002 nan 1\n1700000000003 -inf -2\n');
  put(`${run}/artifacts/model/weights.bin`, 'weights');
  put(`${EXPERIMENT}/${DELETED}/meta.yaml`, runMeta('deleted'));
  put('models/churn/meta.yaml', 'name: churn\n');
  return { root, run, put };
}

describe('an mlruns directory', () => {
  test('becomes experiments and runs with their ids, histories, artifacts and lifecycles', async () => {
    const { store } = await runSpace();
    const { root } = mlruns();
    const report = await importMlruns(store, root);
    expect(report).toMatchObject({ experiments: 1, created: 2, metrics: 3, artifacts: 1 });
    expect(report.leftOut).toEqual([{ what: 'registered models', count: 1, example: 'churn' }]);
    const run = await store.get(RUN);
    expect(run).toMatchObject({
      name: 'brisk',
      experimentId: EXPERIMENT,
      experimentName: 'fraud',
      createdBy: 'ada',
      status: 'FINISHED',
      startedAt: 1_700_000_000_000,
      endedAt: 1_700_000_060_000,
    });
    expect([...run.params]).toEqual([['depth', '10']]);
    expect(run.tags.get('mlflow.parentRunId')).toBe(DELETED);
    expect((await store.history(RUN, { key: 'val/loss' })).points).toEqual([
      { key: 'val/loss', value: 0.5, step: 0, time: 1_700_000_000_001 },
      { key: 'val/loss', value: Number.NaN, step: 1, time: 1_700_000_000_002 },
      { key: 'val/loss', value: -Infinity, step: -2, time: 1_700_000_000_003 },
    ]);
    expect((await store.artifacts(RUN).files()).map(({ path }) => path)).toEqual(['model/weights.bin']);
    expect((await store.get(DELETED)).lifecycle).toBe('deleted');
  });

  test('is written once; what the source has besides is added, and a changed param is named', async () => {
    const { store } = await runSpace();
    const { root, run, put } = mlruns();
    await importMlruns(store, root);
    const again = await importMlruns(store, root);
    expect(again).toMatchObject({ created: 0, updated: 0, unchanged: 2, metrics: 0, artifacts: 0 });
    appendFileSync(join(root, run, 'metrics/val/loss'), '1700000000004 0.25 3\n');
    put(`${run}/params/depth`, '11');
    put(`${run}/artifacts/model/weights.bin`, 'WEIGHTS');
    const report = await importMlruns(store, root);
    expect(report).toMatchObject({ created: 0, updated: 1, unchanged: 1, metrics: 1, artifacts: 1 });
    expect(report.leftOut.map(({ what }) => what)).toContain('params that could not be written');
    expect((await store.get(RUN)).params.get('depth')).toBe('10');
  });

  test('can not bring in what lies outside of it', async () => {
    const { store } = await runSpace();
    const { root, run, put } = mlruns();
    writeFileSync(`${root}-secret`, 'secret');
    symlinkSync(`${root}-secret`, join(root, run, 'artifacts/link'));
    symlinkSync(`${root}-secret`, join(root, run, 'params/link'));
    put(`${run}/meta.yaml`, `${runMeta('active')}artifact_uri: file://${dirname(root)}\n`);
    const report = await importMlruns(store, root);
    expect(report.leftOut).toContainEqual({ what: 'links', count: 2, example: 'link' });
    expect((await store.artifacts(RUN).files()).map(({ path }) => path)).toEqual(['model/weights.bin']);
    expect([...(await store.get(RUN)).params.keys()]).toEqual(['depth']);
  });

  test('passes over a meta.yaml that is too large or expands, and refuses a directory without experiments', async () => {
    const { store } = await runSpace();
    const { root, run, put } = mlruns();
    put(`${run}/meta.yaml`, `a: &a [x]\nb: [*a]\n${runMeta('active')}`);
    put(`${EXPERIMENT}/${DELETED}/meta.yaml`, `${runMeta('active')}#${'x'.repeat(70_000)}`);
    const report = await importMlruns(store, root);
    expect(report).toMatchObject({ created: 0 });
    expect(report.leftOut.find(({ what }) => what.startsWith('runs without'))?.count).toBe(2);
    await expect(importMlruns(store, join(root, 'models'))).rejects.toMatchObject({ code: 'MLRUNS_INVALID' });
  });
});
