/* eslint-disable vitest/no-standalone-expect -- the class is what the test is made of */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cloneOf, registryRepo, type RegistryRepo } from '../support/registry-repo.ts';
import { tempDirectory } from '../support/temp-repo.ts';

/** What one clone's work tree should say; the content of a version is its label, so that nothing else has to be known. */
interface Person {
  name: 'ann' | 'bob';
  repo: RegistryRepo;
  versions: Set<string>;
  deleted: Set<string>;
  /** Labels whose bytes must be in this clone. */
  here: Set<string>;
  /** What the stage holds. */
  production: string | undefined;
}

type Step =
  | {
      do: 'save' | 'push' | 'fetch' | 'merge' | 'gc' | 'gc of the remote' | 'gc before a fetch';
      by: 'ann' | 'bob';
    }
  | { do: 'promote' | 'delete' | 'disagree'; by: 'ann' | 'bob'; version: number }
  | { do: 'lose'; object: number };

const by = fc.constantFrom('ann' as const, 'bob' as const);
const steps = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ do: fc.constant('save' as const), by }) },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constantFrom(
          'push' as const,
          'push' as const,
          'fetch',
          'merge',
          'merge',
          'gc',
          'gc of the remote',
          'gc before a fetch',
        ),
        by,
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constantFrom('promote' as const, 'delete', 'disagree'),
        by,
        version: fc.nat(20),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('lose' as const), object: fc.nat(40) }) },
  ) satisfies fc.Arbitrary<Step>,
  { minLength: 10, maxLength: 10 },
);

/** What chance seldom brings about: a clone that has not fetched, and a stage that holds a deleted version. */
const SELDOM: Step[] = [
  { do: 'save', by: 'ann' },
  { do: 'push', by: 'ann' },
  { do: 'gc before a fetch', by: 'bob' },
  { do: 'merge', by: 'bob' },
  { do: 'disagree', by: 'ann', version: 0 },
  { do: 'gc', by: 'ann' },
  { do: 'push', by: 'bob' },
];

const PRODUCTION = '.mlops/models/fraud/stages/production.json';

const contentOf = (label: string): string => `bytes of ${label} `.repeat(400);

class Place {
  readonly remote: string;
  readonly people: readonly Person[];
  /** Labels whose bytes the remote must be able to give. */
  readonly there = new Set<string>();
  #saved = 0;

  private constructor(remote: string, people: readonly Person[]) {
    this.remote = remote;
    this.people = people;
  }

  static async create(): Promise<Place> {
    const remote = await tempDirectory();
    const ann = await registryRepo();
    await ann.json('remote', 'add', 'origin', remote, '--default');
    await ann.git('add', '.mlops');
    await ann.git('commit', '--quiet', '-m', 'Name the remote');
    const bob = await cloneOf(ann, join(await tempDirectory(), 'bob'));
    await bob.json('remote', 'trust', 'origin');
    await ann.git('remote', 'add', 'bob', bob.root);
    const nothing = (): Omit<Person, 'name' | 'repo'> => ({
      versions: new Set(),
      deleted: new Set(),
      here: new Set(),
      production: undefined,
    });
    return new Place(remote, [
      { name: 'ann', repo: ann, ...nothing() },
      { name: 'bob', repo: bob, ...nothing() },
    ]);
  }

  person(name: 'ann' | 'bob'): Person {
    const found = this.people.find((each) => each.name === name);
    if (found === undefined) throw new Error(name);
    return found;
  }

  other({ name }: Person): Person {
    return this.person(name === 'ann' ? 'bob' : 'ann');
  }

  async perform(step: Step): Promise<void> {
    if (step.do === 'lose') return this.#lose(step.object);
    const person = this.person(step.by);
    const { repo } = person;
    switch (step.do) {
      case 'save':
        return this.#save(person);
      case 'promote':
      case 'delete':
      case 'disagree': {
        const label = [...person.versions][step.version % Math.max(1, person.versions.size)];
        if (label === undefined) return;
        if (step.do === 'disagree') return this.#disagree(person, label);
        return this.#amend(person, step.do, label);
      }
      case 'merge':
        return this.#merge(person);
      case 'push':
        return this.#push(person);
      case 'fetch':
        return this.#fetch(person);
      case 'gc':
        await repo.json('gc', '--yes', '--grace', '0');
        return this.#forget(person.here, person);
      case 'gc of the remote':
        await repo.git('fetch', '--quiet', '--all');
        await repo.json('gc', '--remote', '--yes', '--grace', '0');
        return this.#forget(this.there, person);
      case 'gc before a fetch':
        return this.#gcUnfetched(person);
    }
  }

  /** Who has not fetched what the other one committed removes nothing from the remote. */
  async #gcUnfetched(person: Person): Promise<void> {
    const tip = await this.other(person).repo.git('rev-parse', 'HEAD');
    const isFetched = await person.repo.git('cat-file', '-e', tip).then(
      () => true,
      () => false,
    );
    if (isFetched) return;
    const before = await this.#objects();
    const failed = await person.repo.failure('gc', '--remote', '--yes', '--grace', '0');
    expect(failed).toMatchObject({ code: 'REFS_NOT_FETCHED', exitCode: 5 });
    expect(await this.#objects()).toEqual(before);
  }

  async #save(person: Person): Promise<void> {
    this.#saved += 1;
    const label = `${person.name}-${this.#saved}`;
    await person.repo.write('model.bin', contentOf(label));
    await person.repo.json('save', 'fraud', 'model.bin', '--version', label, '--commit');
    person.versions.add(label);
    person.here.add(label);
  }

  async #amend(person: Person, what: 'promote' | 'delete', label: string): Promise<void> {
    const isLive = !person.deleted.has(label);
    const reference = `fraud@${label}`;
    const { code, stderr } =
      what === 'promote'
        ? await person.repo.run('promote', reference, '--to', 'production', '--commit')
        : await person.repo.run('delete', reference, '--reason', 'not wanted', '--commit');
    if (!isLive) expect(code, stderr).toBe(2);
    else if (what === 'promote') {
      expect(code, stderr).toBe(this.#isAvailable(person, label) ? 0 : 3);
      if (code === 0) person.production = label;
    } else {
      expect(code, stderr).toBe(person.production === label ? 4 : 0);
      if (code === 0) person.deleted.add(label);
    }
  }

  /** One deletes what the other one promotes, and Git merges it. */
  async #disagree(person: Person, label: string): Promise<void> {
    const other = this.other(person);
    if (!other.versions.has(label)) return;
    await this.#amend(person, 'delete', label);
    await this.#amend(other, 'promote', label);
    await this.#merge(person);
    await this.#merge(other);
  }

  #isAvailable({ here }: Person, label: string): boolean {
    return here.has(label) || this.there.has(label);
  }

  /** Conflicts are in pointers of stages only, and settled on any version that can be had. */
  async #merge(person: Person): Promise<void> {
    const { repo, versions, deleted } = person;
    const other = this.other(person);
    const name = person.name === 'ann' ? 'bob' : 'origin';
    await repo.git('fetch', '--quiet', name);
    for (const label of other.versions) versions.add(label);
    for (const label of other.deleted) deleted.add(label);
    const takesTheirs = await isOnlyTheirs(repo, `${name}/main`);
    try {
      await repo.git('merge', '--quiet', '--no-edit', `${name}/main`);
      if (takesTheirs) person.production = other.production;
      return;
    } catch (error) {
      const conflicts = await repo.git('diff', '--name-only', '--diff-filter=U');
      if (conflicts !== PRODUCTION) throw error;
    }
    for (const label of live(person)) {
      const { code } = await repo.run('promote', `fraud@${label}`, '--to', 'production', '--resolve');
      if (this.#isAvailable(person, label)) expect(code).toBe(0);
      if (code !== 0) continue;
      person.production = label;
      break;
    }
    await repo.git('add', '.mlops');
    await repo.git('commit', '--quiet', '--no-edit');
  }

  async #push(person: Person): Promise<void> {
    const { code, stdout, stderr } = await person.repo.run('push', '--yes', '--json');
    const lost = new Set(code === 0 ? absentIn(stdout) : []);
    if (code !== 0) {
      // What a stage holds and nobody has any more; the others are pushed all the same.
      expect([code, stderr]).toEqual([3, expect.stringContaining(': nothing of it is here')]);
      for (const label of live(person)) if (!this.#isAvailable(person, label)) lost.add(label);
      expect(lost, stderr).not.toEqual(new Set());
    }
    for (const label of lost)
      expect(this.#isAvailable(person, label), `${label} is called absent`).toBe(false);
    const pushed = live(person).filter((label) => !lost.has(label));
    for (const label of pushed) this.there.add(label);
    const third = await cloneOf(person.repo, join(await tempDirectory(), 'third'));
    if (pushed.length > 0) await third.json('fetch', ...pushed.map((label) => `fraud@${label}`));
    for (const label of pushed) await expectLoads(third, label);
  }

  async #fetch(person: Person): Promise<void> {
    const available = live(person).filter((label) => this.#isAvailable(person, label));
    const { code, stderr } = await person.repo.run('fetch', '--all');
    expect(code, stderr).toBe(available.length === live(person).length ? 0 : 3);
    for (const label of available) person.here.add(label);
  }

  /** After gc without grace only what some branch that this clone knows of needs is left. */
  async #forget(labels: Set<string>, { repo }: Person): Promise<void> {
    const needed = new Set<string>();
    const refs = await repo.git('for-each-ref', '--format=%(refname)', 'refs/heads', 'refs/remotes');
    for (const ref of refs.split('\n')) {
      const paths = await repo.git('ls-tree', '-r', '--name-only', ref, '.mlops/models');
      const deleted = new Set<string>();
      for (const path of paths.split('\n')) {
        if (!path.includes('-deleted-')) continue;
        const event = JSON.parse(await repo.git('show', `${ref}:${path}`)) as {
          subject: { version: string };
        };
        deleted.add(event.subject.version);
      }
      for (const path of paths.split('\n')) {
        const [, label] = /\/versions\/(.+)\.json$/.exec(path) ?? [];
        if (label !== undefined && !deleted.has(label)) needed.add(label);
        if (!path.includes('/stages/')) continue;
        needed.add((JSON.parse(await repo.git('show', `${ref}:${path}`)) as { version: string }).version);
      }
    }
    for (const label of labels) if (!needed.has(label)) labels.delete(label);
  }

  /** Somebody removes one file from the remote's directory. */
  async #lose(nth: number): Promise<void> {
    const files = await this.#objects();
    const file = files[nth % Math.max(1, files.length)];
    if (file === undefined) return;
    await rm(file, { force: true });
    // Each version has a pack of its own here or shares one: asking is simpler than knowing.
    for (const label of this.there) if (!(await this.#isThere(label))) this.there.delete(label);
  }

  /** Paths of what the remote holds. */
  async #objects(): Promise<string[]> {
    const all = await readdir(this.remote, { recursive: true, withFileTypes: true });
    return all
      .filter((entry) => entry.isFile() && /\/(?:packs|manifests|layouts)\//.test(`${entry.parentPath}/`))
      .map((entry) => join(entry.parentPath, entry.name))
      .toSorted();
  }

  async #isThere(label: string): Promise<boolean> {
    const person = this.people.find(({ versions, deleted }) => versions.has(label) && !deleted.has(label));
    if (person === undefined) return false;
    const third = await cloneOf(person.repo, join(await tempDirectory(), 'third'));
    const { code } = await third.run('fetch', `fraud@${label}`);
    return code === 0;
  }

  /** Documents are sound, and whatever must be here comes back without asking anybody. */
  async look(): Promise<void> {
    for (const person of this.people) {
      if (person.versions.size === 0) continue;
      const { code, stdout, stderr } = await person.repo.run('verify', '--metadata-only', '--json');
      expect(await heldBy(person.repo), `${person.name}'s stage`).toBe(person.production);
      // One branch promoted what another one deleted: Git merges that, and `verify` says so.
      const isGone = person.production !== undefined && person.deleted.has(person.production);
      expect([code, damagedIn(stdout)], stderr).toEqual(isGone ? [5, [PRODUCTION]] : [0, []]);
      for (const label of live(person))
        if (person.here.has(label)) await expectLoads(person.repo, label, '--offline');
    }
  }
}

/** Whether their branch moved the stage since both had the same, and ours did not: then Git takes theirs. */
async function isOnlyTheirs(repo: RegistryRepo, theirs: string): Promise<boolean> {
  const base = await repo.git('merge-base', 'HEAD', theirs);
  const [before, our, their] = await Promise.all(
    [base, 'HEAD', theirs].map((commit) => repo.git('ls-tree', commit, PRODUCTION)),
  );
  return before === our && before !== their;
}

/** The version that the stage's document names. */
async function heldBy(repo: RegistryRepo): Promise<string | undefined> {
  const text = await readFile(join(repo.root, PRODUCTION), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as { version: string }).version;
}

/** Paths that `verify` calls damaged. */
function damagedIn(stdout: string): string[] {
  const { data } = JSON.parse(stdout) as { data: { damage: { path: string }[] } };
  return data.damage.map(({ path }) => path);
}

function live({ versions, deleted }: Person): string[] {
  return [...versions].filter((label) => !deleted.has(label));
}

async function expectLoads(repo: RegistryRepo, label: string, ...options: string[]): Promise<void> {
  await repo.json('load', `fraud@${label}`, '-o', 'out.bin', '--force', ...options);
  expect(await readFile(join(repo.root, 'out.bin'), 'utf8')).toBe(contentOf(label));
  await rm(join(repo.root, 'out.bin'));
}

test('two real clones and a directory between them lose nothing', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      const place = await Place.create();
      for (const step of sequence) {
        await place.perform(step);
        await place.look();
      }
    }),
    { numRuns: 4, seed: 20_261_124, endOnFailure: true, examples: [[SELDOM]] },
  );
}, 600_000);

/** Labels that a push passed over. */
function absentIn(stdout: string): string[] {
  const { data } = JSON.parse(stdout) as { data: { absent: { names: string[] }[] } };
  return data.absent.flatMap(({ names }) => names.map((name) => name.replace('fraud@', '')));
}
