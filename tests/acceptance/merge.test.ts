import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cloneOf, registryRepo, type RegistryRepo } from '../support/registry-repo.ts';

const POINTER = '.mlops/models/fraud/stages/production.json';

interface Event {
  id: string;
  type: string;
  version: string | null;
  stage: string | null;
  from: string | null;
  to: string | null;
}

async function commit(repo: RegistryRepo, message: string): Promise<void> {
  await repo.git('commit', '--quiet', '-m', message);
}

/** v1 of fraud in production and v1 of churn, committed; and a clone of it that has the objects too. */
async function twoClones(): Promise<{ ada: RegistryRepo; bob: RegistryRepo }> {
  const ada = await registryRepo();
  await ada.save('fraud', 'v1');
  await ada.save('churn', 'v1');
  await ada.json('promote', 'fraud@v1');
  await commit(ada, 'Two models');
  const bob = await cloneOf(ada, `${ada.root}-bob`);
  await cp(join(ada.root, '.mlops/cache'), join(bob.root, '.mlops/cache'), { recursive: true });
  return { ada, bob };
}

const integrate = {
  merge: ['merge', '--no-edit', 'FETCH_HEAD'],
  rebase: ['rebase', 'FETCH_HEAD'],
} as const;

/** Resolves to true when Git found a conflict. */
async function bring(into: RegistryRepo, from: RegistryRepo, how: keyof typeof integrate): Promise<boolean> {
  await into.git('fetch', '--quiet', from.root, 'main');
  return into.git(...integrate[how]).then(
    () => false,
    () => true,
  );
}

async function share(into: RegistryRepo, from: RegistryRepo): Promise<void> {
  await cp(join(from.root, '.mlops/cache'), join(into.root, '.mlops/cache'), {
    recursive: true,
    force: false,
  });
}

const eventsOf = async (repo: RegistryRepo, model: string): Promise<Event[]> =>
  (await repo.json<{ events: Event[] }>('history', model)).events;

describe.each(['merge', 'rebase'] as const)(
  'two clones that worked on different things, after git %s',
  (how) => {
    async function apart() {
      const { ada, bob } = await twoClones();
      await ada.save('fraud', 'v2');
      await ada.json('promote', 'churn@v1', '--to', 'staging');
      await ada.json('annotate', 'fraud@v1', '--tag', 'by=ada');
      await commit(ada, "Ada's work");
      await bob.save('fraud', 'v3');
      await bob.json('promote', 'fraud@v3');
      await bob.json('annotate', 'fraud@v1', '--tag', 'seen=bob');
      await bob.json('deprecate', 'fraud@v1', '--reason', 'old');
      await bob.save('ranker', 'v1');
      await commit(bob, "Bob's work");
      expect(await bring(bob, ada, how)).toBe(false);
      await share(bob, ada);
      return bob;
    }

    test('have both versions, both moves, both annotations, and nothing is damaged', async () => {
      const repo = await apart();
      const { models } = await repo.json<{ models: unknown }>('list');
      expect(models).toMatchObject([
        { model: 'churn', versions: 1, stages: { staging: 'v1' } },
        { model: 'fraud', versions: 3, stages: { production: 'v3' } },
        { model: 'ranker', versions: 1, stages: {} },
      ]);
      expect(await repo.json('show', 'fraud@v1')).toMatchObject({
        tags: { by: 'ada', seen: 'bob' },
        deprecated: true,
      });
      const types = (await eventsOf(repo, 'fraud')).map(({ type }) => type).toSorted();
      expect(types).toEqual([
        'annotated',
        'annotated',
        'deprecated',
        'promoted',
        'promoted',
        'saved',
        'saved',
        'saved',
      ]);
      expect(await repo.json('verify', '--deep')).toMatchObject({ damage: [], notices: [] });
      expect(await repo.git('status', '--porcelain', '--', '.mlops')).toBe('');
    });

    test('have two heads, which the next event joins', async () => {
      const repo = await apart();
      const { event } = await repo.json<{ event: string }>('promote', 'fraud@v2');
      const name = (await repo.git('ls-files', '.mlops/models/fraud/events'))
        .split('\n')
        .find((path) => path.includes(event.slice('sha256:'.length, 'sha256:'.length + 16)));
      const { parents } = JSON.parse(await repo.read(name ?? '')) as { parents: string[] };
      expect(parents).toHaveLength(2);
      expect(await repo.json('rollback', 'fraud', '--reason', 'back')).toMatchObject({
        version: 'v3',
        previous: 'v2',
      });
    });

    test('lose no event unnoticed: one that the merge left out is named', async () => {
      const repo = await apart();
      const paths = (await repo.git('ls-files', '.mlops/models/fraud/events')).split('\n');
      const first = paths.find((path) => path.includes('-promoted-')) ?? '';
      await repo.git('rm', '--quiet', first);
      const { code, stdout } = await repo.run('verify', '--json');
      expect(code).toBe(3);
      const { damage } = (JSON.parse(stdout) as { data: { damage: { kind: string; problem: string }[] } })
        .data;
      expect(damage).toContainEqual(
        expect.objectContaining({ kind: 'event', problem: expect.stringContaining('is missing') }),
      );
    });
  },
);

/** Both move production of fraud: ada to v2, bob to v3. Ends in the conflict that Git leaves in bob's clone. */
async function conflict(how: keyof typeof integrate): Promise<RegistryRepo> {
  const { ada, bob } = await twoClones();
  for (const repo of [ada, bob]) {
    await repo.git('config', 'user.name', repo === ada ? 'Ada' : 'Bob');
    await repo.git('config', 'core.editor', 'true');
  }
  await ada.save('fraud', 'v2');
  await bob.save('fraud', 'v3');
  await ada.json('promote', 'fraud@v2');
  await bob.json('promote', 'fraud@v3');
  await commit(ada, 'Ada promotes');
  await commit(bob, 'Bob promotes');
  expect(await bring(bob, ada, how)).toBe(true);
  await share(bob, ada);
  return bob;
}

describe.each(['merge', 'rebase'] as const)(
  'two clones that moved one stage, in the conflict of git %s',
  (how) => {
    test('conflict in the pointer and nowhere else', async () => {
      const repo = await conflict(how);
      expect(await repo.git('diff', '--name-only', '--diff-filter=U')).toBe(POINTER);
    });

    test('get exit 5 from every reader, with both candidates and the command that settles it', async () => {
      const repo = await conflict(how);
      const readers = [
        ['list'],
        ['list', 'fraud'],
        ['show', 'fraud@production'],
        ['show', 'fraud@v2'],
        ['show', 'fraud@v3'],
        ['load', 'fraud@production', '-o', 'out'],
        ['history', 'fraud'],
        ['history', 'fraud', '--at', '2100-01-01'],
        ['verify'],
        ['promote', 'fraud@v2'],
        ['promote', 'fraud@production', '--to', 'staging'],
        ['rollback', 'fraud', '--reason', 'x'],
        ['diff', 'fraud@production', 'fraud@v1'],
        ['export', 'fraud@production', '-o', 'out.tar.gz'],
        ['annotate', 'fraud@production', '--tag', 'a=b'],
      ];
      const before = await repo.git('status', '--porcelain');
      for (const argv of readers) {
        const { code, stdout, stderr } = await repo.run(...argv);
        const said = stdout + stderr;
        expect({ argv, code }).toEqual({ argv, code: 5 });
        expect(said, argv.join(' ')).toMatch(/\bv2 \(promoted .* by Ada/);
        expect(said, argv.join(' ')).toMatch(/\bv3 \(promoted .* by Bob/);
        expect(said, argv.join(' ')).toContain('mlops promote fraud@v2 --to production --resolve');
        expect(said, argv.join(' ')).toContain('mlops promote fraud@v3 --to production --resolve');
      }
      expect(await repo.git('status', '--porcelain')).toBe(before);
    });

    test('can use everything else: other models, other stages, versions by name', async () => {
      const repo = await conflict(how);
      expect(await repo.json('show', 'churn')).toMatchObject({ version: 'v1' });
      expect(await repo.json('show', 'fraud@v1')).toMatchObject({ version: 'v1' });
      expect((await repo.run('show', 'fraud@v2')).stdout).toMatch(/^version: +fraud@v2 /);
      expect(await repo.json('load', 'fraud@v3', '-o', 'restored.bin')).toMatchObject({
        outcome: 'restored',
      });
      expect(await repo.read('restored.bin')).toBe('bytes of fraud v3');
      expect(await repo.json('verify', 'churn')).toMatchObject({ damage: [] });
      expect(await repo.json('promote', 'fraud@v2', '--to', 'staging')).toMatchObject({ version: 'v2' });
      const { stdout } = await repo.run('list', '--json');
      expect(JSON.parse(stdout)).toMatchObject({
        data: {
          models: [{ model: 'churn' }, { model: 'fraud', versions: 3, stages: { staging: 'v2' } }],
          problems: [{ path: POINTER, code: 'STAGE_CONFLICT' }],
        },
      });
    });

    test.each(['v2', 'v3'])('settle it on %s with --resolve, and Git goes on', async (choice) => {
      const repo = await conflict(how);
      const settled = await repo.json('promote', `fraud@${choice}`, '--to', 'production', '--resolve');
      expect(settled).toMatchObject({ version: choice, moved: true });
      expect(await repo.git('diff', '--name-only', '--diff-filter=U')).toBe('');
      await repo.git(how, '--continue');
      expect(await repo.git('status', '--porcelain', '--', '.mlops')).toBe('');
      expect(await repo.json('show', 'fraud@production')).toMatchObject({ version: choice });
      const events = await eventsOf(repo, 'fraud');
      expect(events[0]).toMatchObject({ type: 'resolved', to: choice });
      const moves = events.filter(({ stage, type }) => stage === 'production' && type === 'promoted');
      expect(moves.map(({ to }) => to ?? '').toSorted()).toEqual(['v1', 'v2', 'v3']);
      expect(await repo.json('verify', '--deep')).toMatchObject({ damage: [], notices: [] });
      expect((await repo.json<{ version: string }>('rollback', 'fraud', '--reason', 'x')).version).not.toBe(
        choice,
      );
    });

    test.each(['--ours', '--theirs'])(
      "accept Git's own %s; verify notes it, and the next move joins both",
      async (side) => {
        const repo = await conflict(how);
        await repo.git('checkout', side, '--', POINTER);
        await repo.git('add', POINTER);
        await repo.git(how, '--continue');
        const kept = (JSON.parse(await repo.read(POINTER)) as { version: string }).version;
        expect(await repo.json('show', 'fraud@production')).toMatchObject({ version: kept });
        const at = await repo.json('history', 'fraud', '--at', '2100-01-01');
        expect(at).toMatchObject({ stages: { production: kept } });
        const { damage, notices } = await repo.json<{ damage: unknown[]; notices: string[] }>('verify');
        expect(damage).toEqual([]);
        expect(notices).toEqual([
          expect.stringContaining(`was moved by two branches at once; Git kept ${kept}`),
        ]);
        await repo.json('promote', `fraud@${kept}`, '--reason', 'agreed');
        expect(await repo.json('verify')).toMatchObject({ damage: [], notices: [] });
      },
    );
  },
);

test('two clones that moved one stage to the same version name one command', async () => {
  const { ada, bob } = await twoClones();
  for (const each of [ada, bob]) {
    await each.json('promote', 'fraud@v1', '--to', 'staging');
    await commit(each, 'To staging');
  }
  expect(await bring(bob, ada, 'merge')).toBe(true);
  const { hint, exitCode } = await bob.failure('show', 'fraud@staging');
  expect({ hint, exitCode }).toEqual({
    hint: 'settle it: mlops promote fraud@v1 --to staging --resolve',
    exitCode: 5,
  });
});

test('two clones that saved the same label with other bytes conflict in the record alone, and either side settles it', async () => {
  const { ada, bob } = await twoClones();
  await ada.save('fraud', 'v2', '--tag', 'by=ada');
  await bob.save('fraud', 'v2', '--tag', 'by=bob');
  await commit(ada, 'Ada saves v2');
  await commit(bob, 'Bob saves v2');
  expect(await bring(bob, ada, 'merge')).toBe(true);
  const record = '.mlops/models/fraud/versions/v2.json';
  expect(await bob.git('diff', '--name-only', '--diff-filter=U')).toBe(record);
  expect(await bob.failure('show', 'fraud@v2')).toMatchObject({ code: 'MERGE_CONFLICT', exitCode: 5 });
  expect(await bob.json('show', 'fraud@v1')).toMatchObject({ version: 'v1' });
  for (const side of ['--theirs', '--ours']) {
    await bob.git('checkout', side, '--', record);
    expect(await bob.json('show', 'fraud@v2')).toMatchObject({
      tags: { by: side === '--ours' ? 'bob' : 'ada' },
    });
    expect((await bob.run('verify')).code).toBe(0);
  }
});

test('--commit in the middle of a merge is refused by Git, and the command without it still stages what was written', async () => {
  const repo = await conflict('merge');
  const { code } = await repo.run('promote', 'fraud@v2', '--resolve', '--commit');
  expect(code).toBe(5);
  expect(await repo.json('promote', 'fraud@v2')).toMatchObject({ moved: false });
  expect(await repo.git('diff', '--name-only', '--diff-filter=U')).toBe('');
  await repo.git('merge', '--continue');
  expect(await repo.git('status', '--porcelain', '--', '.mlops')).toBe('');
  expect(await repo.json('verify')).toMatchObject({ damage: [] });
});

test('a branch that deleted what another one promoted is told by every reader, with the command that settles it', async () => {
  const { ada, bob } = await twoClones();
  await ada.save('fraud', 'v2');
  await commit(ada, 'v2');
  expect(await bring(bob, ada, 'merge')).toBe(false);
  await share(bob, ada);
  await bob.json('delete', 'fraud@v2', '--reason', 'trained on wrong data');
  await commit(bob, 'Bob deletes v2');
  await ada.json('promote', 'fraud@v2');
  await commit(ada, 'Ada promotes v2');
  expect(await bring(bob, ada, 'merge')).toBe(false);
  for (const argv of [
    ['list'],
    ['list', 'fraud'],
    ['show', 'fraud@production'],
    ['load', 'fraud@production', '-o', 'out'],
    ['verify'],
  ]) {
    const { code, stdout, stderr } = await bob.run(...argv);
    const said = stdout + stderr;
    expect({ argv, code }).toEqual({ argv, code: 5 });
    expect(said, argv.join(' ')).toMatch(/production of fraud holds v2, which was deleted on /);
    expect(said, argv.join(' ')).toContain('mlops promote fraud@<version> --to production');
  }
  await bob.json('promote', 'fraud@v1');
  expect((await bob.run('list')).code).toBe(0);
  expect(await bob.json('verify')).toMatchObject({ damage: [] });
});
