import { expect, test } from 'vitest';
import { registryRepo } from '../../support/registry-repo.ts';

interface Findings {
  findings: { check: string; status: string; message: string }[];
}

test('doctor names the temporary files that are left over, twenty at most, and their size in all', async () => {
  const repo = await registryRepo();
  const leftovers = async (): Promise<Findings['findings'][number] | undefined> =>
    (await repo.json<Findings>('doctor')).findings.find(({ check }) => check === 'leftovers');
  expect(await leftovers()).toMatchObject({ status: 'ok' });
  const names = Array.from({ length: 22 }, (_none, index) => `.tmp-${100 + index}-0123456789abcdef`);
  await Promise.all(
    names.slice(0, 2).map((name) => repo.write(`.mlops/cache/packs/aa/${name}`, 'part of a pack')),
  );
  const two = await leftovers();
  expect(two?.status).toBe('warning');
  expect(two?.message).toContain('2 with 28 bytes in all');
  for (const name of names.slice(0, 2)) expect(two?.message).toContain(`.mlops/cache/packs/aa/${name}`);
  await Promise.all(names.map((name) => repo.write(`.mlops/cache/packs/aa/${name}`, 'x')));
  const many = await leftovers();
  expect(many?.message).toContain('22 with 22 bytes in all');
  expect(many?.message.match(/\.tmp-/g)).toHaveLength(20);
  expect(many?.message).toMatch(/ and 2 more$/);
});

test('doctor says how many artifacts are held, and that a hold which can not be read stops gc', async () => {
  const repo = await registryRepo();
  const holds = async (): Promise<Findings['findings'][number] | undefined> => {
    const { stdout } = await repo.run('doctor', '--json');
    return (JSON.parse(stdout) as { data: Findings }).data.findings.find(({ check }) => check === 'holds');
  };
  expect(await holds()).toMatchObject({ status: 'ok', message: 'nothing is held' });
  await repo.save('fraud', 'v1');
  await repo.json('hold', 'add', 'fraud@v1', '--reason', 'audit');
  expect((await holds())?.message).toContain('artifacts held: 1');
  await repo.write('.mlops/cache/holds/other.json', '{}');
  expect(await holds()).toMatchObject({ status: 'failed', message: expect.stringContaining('other.json') });
  expect(await repo.failure('gc', '--yes')).toMatchObject({ exitCode: 3 });
});
