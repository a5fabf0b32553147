import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeProfile } from '../../../../src/core/drift/profile/encode.ts';
import { createLevelHasher } from '../../../../src/core/drift/profile/level-hash.ts';
import { mergeProfiles } from '../../../../src/core/drift/profile/merge.ts';
import { parseProfile } from '../../../../src/core/drift/profile/parse.ts';
import type { Profile } from '../../../../src/core/drift/profile/profile.ts';
import { shareOf } from '../../../../src/core/drift/distribution.ts';
import { type Cell, column, memorySide, type MemoryColumn } from '../support/memory-side.ts';
import { Random } from '../support/random.ts';
import { levelsOf, numbersOf, profileOf, textsOf } from './support/profiles.ts';
import { furthestFromStep, sample } from './support/samples.ts';

const merged = (...profiles: readonly Profile[]): Profile => {
  const result = mergeProfiles(profiles.map((profile, index) => ({ name: `shard${index}.json`, profile })));
  // What is merged can be written and read like any other profile.
  return parseProfile(encodeProfile(result), 'merged.json');
};

const shard = (cells: readonly Cell[], rest: Partial<MemoryColumn> = {}): Promise<Profile> =>
  profileOf(
    memorySide([column('x', cells, rest)], { facts: { duplicates: { rows: 0, share: 0, exact: true } } }),
  );

const summaryOf = (profile: Profile) => profile.columns[0]?.summary;

/** Of all shards, merged in several ways: at once, from the left, in pairs. */
function inAllOrders(profiles: readonly Profile[]): Profile[] {
  const [first, ...others] = profiles as [Profile, ...Profile[]];
  const half = Math.ceil(profiles.length / 2);
  const pairs = [profiles.slice(0, half), profiles.slice(half)].filter(({ length }) => length > 0);
  return [
    merged(...profiles),
    others.reduce((left, right) => merged(left, right), first),
    merged(...pairs.map((pair) => merged(...pair))),
  ];
}

describe('merged profiles', () => {
  it('of numbers say where every row may be, within an error that grows by half a step a merge', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(sample(60), { minLength: 2, maxLength: 5 }), async (shards) => {
        const all = Float64Array.from(shards.flat()).sort();
        const profiles = await Promise.all(shards.map((values) => shard(values)));
        const steps = [1, shards.length - 1, 2];
        for (const [way, profile] of inAllOrders(profiles).entries()) {
          const { values, error, rows, total, min, max } = numbersOf(profile).distribution;
          expect(furthestFromStep(all, values)).toBeLessThanOrEqual(error + 1e-9);
          const worst = Math.max(...profiles.map((each) => numbersOf(each).distribution.error));
          // Shards of one value each have no error, and knots of more than one value have that of a step: half of it stands for them.
          expect(error).toBeLessThanOrEqual(Math.max(worst, 0.0005) + 0.0005 * (steps[way] ?? 0) + 1e-6);
          expect({ rows, total, min, max }).toEqual({
            rows: all.length,
            total: all.length,
            min: all[0],
            max: all.at(-1),
          });
        }
      }),
      { numRuns: 60 },
    );
  });

  it('of large shards keep an error of a thousandth and a half, and the same 1001 knots', async () => {
    const random = new Random(21);
    const shards = [
      random.numbers(4000),
      random.numbers(2500, () => random.normal(3, 0.1)),
      random.numbers(9000, () => random.whole(5)),
    ];
    const profile = merged(...(await Promise.all(shards.map((values) => shard(values)))));
    const { values, error } = numbersOf(profile).distribution;
    expect(values).toHaveLength(1001);
    expect(error).toBeLessThanOrEqual(0.0017);
    expect(furthestFromStep(Float64Array.from(shards.flat()).sort(), values)).toBeLessThanOrEqual(error);
  });

  it('know the share of frequent values exactly, and of all others at most', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(sample(80), { minLength: 2, maxLength: 4 }), async (shards) => {
        const all = shards.flat();
        const profiles = await Promise.all(shards.map((values) => shard(values)));
        for (const profile of inAllOrders(profiles)) {
          const { distribution } = numbersOf(profile);
          for (const value of new Set(all)) {
            const share = all.filter((each) => each === value).length / all.length;
            const { least, most } = shareOf(distribution, value);
            expect(least).toBeLessThanOrEqual(share + 1e-9);
            expect(most).toBeGreaterThanOrEqual(share - 1e-9);
          }
        }
      }),
      { numRuns: 50 },
    );
  });

  it('count levels as the rows together do, in whatever order', async () => {
    const level = fc.constantFrom('a', 'b', 'c', '__proto__', null);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(level, { minLength: 1, maxLength: 30 }), { minLength: 1, maxLength: 4 }),
        async (shards) => {
          const typed = { type: 'categorical' } as const;
          const profiles = await Promise.all(shards.map((cells) => shard(cells, typed)));
          const all = levelsOf(await shard(shards.flat(), typed));
          for (const profile of inAllOrders(profiles)) expect(summaryOf(profile)).toEqual(all);
        },
      ),
    );
  });

  it('add the characters of texts', async () => {
    const texts = fc.array(fc.string({ unit: fc.constantFrom('a', '1', ' ', '-', '€'), maxLength: 12 }), {
      minLength: 1,
      maxLength: 20,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(texts, { minLength: 2, maxLength: 4 }), async (shards) => {
        const typed = { type: 'text' } as const;
        const profiles = await Promise.all(shards.map((cells) => shard(cells, typed)));
        const all = textsOf(await shard(shards.flat(), typed));
        for (const profile of inAllOrders(profiles)) {
          const summary = textsOf(profile);
          expect(summary.emptyStrings).toBe(all.emptyStrings);
          expect(summary.effectiveTexts).toBeCloseTo(all.effectiveTexts, 6);
          expect(summary.distinct).toBeLessThanOrEqual(all.distinct);
          expect(summary.distinctExact).toBe(false);
          for (const name of ['letter', 'digit', 'space', 'punctuation', 'other'] as const)
            expect(summary.classShares[name]).toBeCloseTo(all.classShares[name], 9);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('put a level that another shard may have pooled into the pool', async () => {
    const rare = { minCount: 3 };
    const cells = (usual: number, others: readonly string[]): Cell[] => [
      ...Array.from({ length: usual }, () => 'usual'),
      ...others,
    ];
    const first = await profileOf(memorySide([column('x', cells(10, ['a', 'a', 'a']))]), rare);
    const second = await profileOf(memorySide([column('x', cells(5, ['a', 'b', 'c']))]), rare);
    const summary = levelsOf(merged(first, second));
    expect(Object.fromEntries(summary.counts)).toEqual({ usual: 15 });
    expect(summary.pooled).toEqual({ levels: 3, rows: 6 });
    expect(summary.distinctExact).toBe(false);
    expect(merged(first, second).minCount).toBe(3);
  });

  it('add counts, and count duplicates within shards only', async () => {
    const one = await profileOf(
      memorySide([column('x', [1, null, 'bad', Infinity], { type: 'numeric' })], {
        facts: { duplicates: { rows: 2, share: 0.5, exact: true } },
      }),
    );
    const profile = merged(one, one, one);
    expect(profile).toMatchObject({ rows: 12, duplicates: { rows: 6, exact: false } });
    expect(summaryOf(profile)).toMatchObject({ rows: 12, nulls: 3, unparsable: 3, positiveInfinite: 3 });
    const unknown = { ...one, duplicates: null };
    expect(merged(one, unknown).duplicates).toBeNull();
  });

  it('take a shard in which a column is all null, whatever its place', async () => {
    const some = await shard([1, 2, 3]);
    const none = await shard([null, null]);
    for (const profile of [merged(some, none), merged(none, some)])
      expect(summaryOf(profile)).toMatchObject({ type: 'numeric', rows: 5, nulls: 2 });
    expect(merged(none, none).columns[0]).toMatchObject({ pin: null, summary: null });
  });

  it('count dependent rows of independent shards for what they are worth together', async () => {
    const random = new Random(31);
    const walk = (): number[] => {
      let last = 0;
      return random.numbers(2000, () => (last = 0.9 * last + random.normal()));
    };
    const profiles = [await shard(walk()), await shard(walk())];
    const effective = profiles.map((each) => numbersOf(each).distribution.effective);
    const together = numbersOf(merged(...profiles)).distribution;
    expect(together.effective).toBeLessThanOrEqual((effective[0] ?? 0) + (effective[1] ?? 0));
    expect(together.effective).toBeGreaterThan(0.9 * ((effective[0] ?? 0) + (effective[1] ?? 0)));
    expect(together.r).toBeCloseTo(0.9, 1);
  });

  it('are those of one shard alone where there is one', async () => {
    const one = await shard([3, 1, 2]);
    expect(merged(one)).toEqual(one);
  });
});

describe('shards that do not fit', () => {
  const refusal = async (first: Promise<Profile>, second: Promise<Profile>) => {
    const profiles = [await first, await second];
    try {
      mergeProfiles(profiles.map((profile, index) => ({ name: `shard${index}.json`, profile })));
      return undefined;
    } catch (error) {
      return error;
    }
  };

  it('are refused with the column that differs', async () => {
    const two = profileOf(memorySide([column('x', [1]), column('y', [1])]));
    expect(await refusal(shard([1]), two)).toMatchObject({
      code: 'PROFILES_DIFFER',
      exitCode: 2,
      message: 'shard0.json and shard1.json do not have the same columns: only shard1.json has "y"',
      hint: 'leave it out: --exclude y',
    });
    expect(await refusal(shard([1]), shard(['a']))).toMatchObject({
      message: 'shard0.json and shard1.json do not agree on the column "x": numeric and categorical',
      hint: 'profile the shards with the same types: --type x=numeric',
    });
    const integers = { type: 'categorical', integers: true } as const;
    expect(await refusal(shard(['1'], integers), shard(['1.5']))).toMatchObject({
      message: expect.stringContaining('categorical of integers and categorical'),
    });
    expect(await refusal(shard([1]), shard([1], { skipped: 'nested' }))).toMatchObject({
      message: expect.stringContaining('in one it was skipped'),
    });
  });

  it('are refused when their levels are hashed in different ways', async () => {
    const hashed = (secret: string | undefined) =>
      profileOf(memorySide([column('x', ['a'])]), { hasher: createLevelHasher(secret) });
    const differ = { message: 'shard0.json and shard1.json hash their levels in different ways' };
    expect(await refusal(hashed(undefined), shard(['a']))).toMatchObject(differ);
    expect(
      await refusal(hashed('a secret of enough letters'), hashed('another secret of letters')),
    ).toMatchObject(differ);
    expect(await refusal(hashed(undefined), hashed(undefined))).toBeUndefined();
  });
});
