import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { exportMlruns } from '../../../src/core/runs-export/mlruns.ts';
import { importMlruns } from '../../../src/core/runs-import/mlruns.ts';
import { createOutputFiles } from '../../../src/storage/local/output-files.ts';
import { runSpace } from '../runs/support.ts';

test('runs that were exported and imported elsewhere are the same; keys that leave their directory are not written', async () => {
  const from = await runSpace();
  const experimentId = (await from.store.experiments.ensure('fraud: "x"')).id;
  const { id } = await from.store.create({ writer: 'nobody', experimentId, name: 'a: b', user: 'ada' });
  const points = [Number.NaN, -Infinity, 1e-7].map((value, step) => ({ key: 'a/b', value, step, time: 5 }));
  await from.store.log(id, {
    metrics: points,
    params: [
      ['lr', '0.1'],
      ['../../../out', 'x'],
      ['empty', ''],
    ],
  });
  await from.store.update(id, { status: 'FAILED', endedAt: Date.now() });
  const parent = mkdtempSync(join(tmpdir(), 'export-'));
  const directory = join(parent, 'mlruns');
  const target = { repository: from.repository, store: from.store, files: createOutputFiles(), directory };
  const report = await exportMlruns([await from.store.get(id)], target);
  expect(report).toMatchObject({ experiments: 1, runs: 1, metrics: 3 });
  expect(report.leftOut).toEqual([`${id} params ../../../out`]);
  expect(readdirSync(parent)).toEqual(['mlruns']);
  expect(readFileSync(join(directory, experimentId, id, 'metrics/a/b'), 'utf8')).toBe(
    '5 NaN 0\n5 -inf 1\n5 1e-7 2\n',
  );
  const to = await runSpace();
  await importMlruns(to.store, directory);
  const [before, after] = [await from.store.get(id), await to.store.get(id)];
  const { name, status, startedAt, endedAt, experimentName } = before;
  expect(after).toMatchObject({ name, status, startedAt, endedAt, experimentName, experimentId });
  expect([...after.params]).toEqual([...before.params].filter(([key]) => !key.startsWith('..')));
  expect((await to.store.history(id, { key: 'a/b' })).points).toEqual(points);
  await expect(exportMlruns([before], target)).rejects.toMatchObject({ code: 'TARGET_EXISTS' });
});
