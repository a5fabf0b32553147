import fc from 'fast-check';
import type { FaultPlan } from './faults.ts';

export const CLONES = ['ann', 'bob'] as const;
export type CloneName = (typeof CLONES)[number];
export const PIECES = 9;

interface Named {
  by: CloneName;
}

/** A command that can be struck by a fault; then it is run again. Numbers choose among what there is at that moment. */
interface Command extends Named {
  fault: FaultPlan | undefined;
}

export type Step =
  | (Command & { do: 'save'; pieces: readonly number[] })
  | (Command & { do: 'promote'; version: number; stage: string })
  | (Command & { do: 'rollback'; stage: string })
  | (Command & { do: 'delete' | 'load'; version: number })
  | (Command & { do: 'add data'; path: string; piece: number })
  | (Command & { do: 'checkout' | 'fetch' | 'gc' | 'gc of the remote' | 'evict' })
  | (Command & { do: 'edit and checkout'; path: string })
  | (Command & { do: 'push'; all: boolean; repair: boolean })
  | (Named & { do: 'merge'; side: 'ours' | 'theirs' })
  | (Named & { do: 'disagree'; version: number; stage: string })
  | { do: 'merge both ways'; side: 'ours' | 'theirs' }
  | (Named & { do: 'switch'; branch: string })
  | (Named & { do: 'commit' | 'lose caches' | 'gc of the remote before a fetch' })
  | (Named & { do: 'rot'; object: number })
  | (Named & { do: 'gc of the remote during a push'; pieces: readonly number[]; at: number })
  | { do: 'damage the remote'; object: number; how: 'remove' | 'flip' | 'truncate' };

const by = fc.constantFrom(...CLONES);
const stage = fc.constantFrom('production', 'staging');
const pieces = fc.uniqueArray(fc.nat(PIECES - 1), { minLength: 1, maxLength: 4 });
const path = fc.constantFrom('data/a.csv', 'data/b.csv');
/** Counted from the newest, so that people mostly care for the same few. */
const version = fc.oneof({ weight: 3, arbitrary: fc.nat(2) }, { weight: 1, arbitrary: fc.nat(40) });

const fault = fc.option(
  fc.record<FaultPlan>({
    place: fc.constantFrom('objects', 'documents', 'remote', 'remote-read'),
    nth: fc.integer({ min: 1, max: 9 }),
    how: fc.constantFrom('fail', 'die'),
    after: fc.boolean(),
  }),
  { nil: undefined, freq: 3 },
);

function of<R extends object>(
  weight: number,
  what: Step['do'],
  rest: { [K in keyof R]: fc.Arbitrary<R[K]> },
): { weight: number; arbitrary: fc.Arbitrary<Step> } {
  return {
    weight,
    arbitrary: fc.record({ do: fc.constant(what), ...rest }) as unknown as fc.Arbitrary<Step>,
  };
}

export const step: fc.Arbitrary<Step> = fc.oneof(
  of(12, 'save', { by, fault, pieces }),
  of(8, 'promote', { by, fault, version, stage }),
  of(3, 'rollback', { by, fault, stage }),
  of(6, 'delete', { by, fault, version }),
  of(4, 'load', { by, fault, version }),
  of(4, 'add data', { by, fault, path, piece: fc.nat(PIECES - 1) }),
  of(2, 'checkout', { by, fault }),
  of(10, 'push', { by, fault, all: fc.boolean(), repair: fc.boolean() }),
  of(6, 'fetch', { by, fault }),
  of(6, 'gc', { by, fault }),
  of(3, 'gc of the remote', { by, fault }),
  of(2, 'gc of the remote before a fetch', { by }),
  of(4, 'evict', { by, fault }),
  of(4, 'edit and checkout', { by, fault, path }),
  of(4, 'rot', { by, object: fc.nat(60) }),
  of(3, 'gc of the remote during a push', { by, pieces, at: fc.integer({ min: 1, max: 40 }) }),
  of(6, 'disagree', { by, version, stage }),
  of(6, 'merge both ways', { side: fc.constantFrom('ours', 'theirs') }),
  of(6, 'merge', { by, side: fc.constantFrom('ours', 'theirs') }),
  of(3, 'switch', { by, branch: fc.constantFrom('main', 'topic') }),
  of(2, 'commit', { by }),
  of(1, 'lose caches', { by }),
  of(6, 'damage the remote', { object: fc.nat(60), how: fc.constantFrom('remove', 'flip', 'truncate') }),
);

/** One line for people. */
export function describeStep(each: Step): string {
  const { do: what, ...rest } = each;
  const {
    by: who,
    fault: plan,
    ...details
  } = rest as { by?: string; fault?: FaultPlan } & Record<string, unknown>;
  const words = Object.entries(details).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  const struck =
    plan === undefined
      ? ''
      : `; ${plan.how === 'die' ? 'dies' : 'fails'} ${plan.after ? 'after' : 'at'} ${plan.place} ${plan.nth}`;
  return `${who === undefined ? '' : `${who}: `}${what}${words.length > 0 ? ` (${words.join(', ')})` : ''}${struck}`;
}
