import * as z from 'zod';
import { defineCommand } from '../cli/command.ts';
import { type MlopsError, UsageError } from '../errors.ts';
import { gc, keptElsewhere, type GcReport } from '../core/maintenance/gc.ts';
import { gcRemote, type RemoteGcReport } from '../core/maintenance/gc-remote.ts';
import type { Keeper } from '../core/maintenance/roots.ts';
import { shellWord } from '../lib/shell-word.ts';
import { printable } from '../lib/terminal-text.ts';
import { formatBytes } from '../ui/bytes.ts';
import { describeKeeper } from '../ui/keepers.ts';
import { count } from '../ui/numbers.ts';

const shownNeeds = z.lazy(() =>
  z.array(
    z.object({
      digest: z.string(),
      keepers: z.array(
        z.object({
          kind: z.string(),
          name: z.string(),
          from: z.array(z.object({ kind: z.string(), name: z.string() })),
        }),
      ),
    }),
  ),
);

const Output = z.lazy(() =>
  z.object({
    dryRun: z.boolean(),
    remote: z.string().nullable(),
    graceDays: z.number(),
    reclaimable: z.number(),
    manifests: z.array(z.object({ digest: z.string(), size: z.number() })),
    packs: z.array(z.object({ name: z.string(), size: z.number() })),
    sparse: z.array(z.object({ name: z.string(), size: z.number(), neededBytes: z.number() })),
    layouts: z.array(z.object({ name: z.string(), size: z.number() })),
    removed: z
      .object({
        manifests: z.number(),
        packs: z.number(),
        repacked: z.number(),
        layouts: z.number(),
        bytes: z.number(),
      })
      .nullable(),
    kept: z.object({ manifests: z.number(), packs: z.number(), bytes: z.number() }),
    young: z.array(z.string()),
    foreign: z.array(z.string()),
    evicted: z.array(z.string()),
    elsewhere: shownNeeds,
    artifacts: shownNeeds.optional(),
  }),
);

const GRACE_BOUNDS = 'expected a number of days from 0 to 3650';

export default defineCommand({
  options: [
    { flags: '--yes', description: 'remove; without it nothing is written' },
    {
      flags: '--grace <days>',
      description: 'leave alone what is younger (default: the setting gc.graceDays, 14)',
    },
    { flags: '--explain', description: 'say of every artifact here what keeps it' },
    {
      flags: '--evict [remote]',
      description:
        'also remove what no stage, tracked path or hold needs here, after reading all of it from the remote',
    },
    {
      flags: '--remote [name]',
      description: 'clean up a remote (default: the default one) instead of this clone',
    },
    {
      flags: '--sole-clone',
      description:
        'with --remote: there is no other clone, so none of its work can be lost (needed without a Git remote)',
    },
  ],
  description:
    'Removes objects of this clone that no version, stage, tracked path or hold needs on any branch, remote branch, tag, stash, work tree, in the index or in the recent reflog. Packs of which little is needed are rewritten. Without --yes it only says what it would do. If anything that may need an object can not be read, nothing is removed. With --remote, fetch with Git first: every Git remote is asked for its branches and tags, and nothing is removed if this clone lacks one. What other clones have not pushed to Git is protected by its age only; what this repository did not save or track itself stays.',
  examples: [
    { command: 'mlops gc', explains: 'what could be removed, and what only other branches or tags need' },
    { command: 'mlops gc --yes', explains: 'remove it' },
    { command: 'mlops gc --explain', explains: 'also why each artifact stays' },
    {
      command: 'mlops gc --evict --yes',
      explains: 'make room: keep only what is in use, and what the default remote does not have',
    },
    {
      command: 'git fetch --all --prune --tags && mlops gc --remote',
      explains: 'what could be removed from the default remote',
    },
  ],
  input: z.object({
    yes: z.boolean().default(false),
    grace: z.coerce
      .number('expected a number of days')
      .min(0, GRACE_BOUNDS)
      .max(3650, GRACE_BOUNDS)
      .optional(),
    explain: z.boolean().default(false),
    evict: z.union([z.literal(true), z.string()]).optional(),
    remote: z.union([z.literal(true), z.string()]).optional(),
    soleClone: z.boolean().default(false),
  }),
  output: Output,
  async run({ yes, grace, explain, evict, remote, soleClone }, context) {
    if (evict !== undefined && remote !== undefined) {
      throw new UsageError('OPTIONS_CONFLICT', '--evict is about this clone, --remote about a remote', {
        hint: 'give one of them',
      });
    }
    if (soleClone && remote === undefined) {
      throw new UsageError('OPTIONS_CONFLICT', '--sole-clone is for --remote only', {
        hint: 'give --remote too, or leave it out',
      });
    }
    const repository = await context.repository();
    const progress = context.progress('looking', 'items');
    const request = {
      yes,
      graceDays: grace,
      signal: context.signal,
      onProgress: ({ objects }: { objects: number }) => progress.update(objects, undefined),
    };
    let data: Data;
    let blocked: MlopsError | undefined;
    try {
      if (remote === undefined) {
        const from = evict === undefined ? undefined : { remote: evict === true ? undefined : evict };
        const report = await gc(repository, { ...request, evict: from });
        if (report.notCopied !== undefined) {
          context.warn(`packs of which little is needed were left alone: ${report.notCopied.message}`);
        }
        data = localData(report, { yes, explain });
      } else {
        const name = remote === true ? undefined : remote;
        const report = await gcRemote(repository, { ...request, remote: name, soleClone });
        blocked = report.blocked;
        data = remoteData(report, yes);
      }
    } finally {
      progress.stop();
    }
    if (blocked !== undefined) context.warn(`with --yes it would stop: ${blocked.message}`);
    const something = [data.manifests, data.packs, data.sparse, data.layouts].some(
      ({ length }) => length > 0,
    );
    const again = ['mlops gc --yes', ...repeated({ grace, evict, remote: data.remote, soleClone })].join(' ');
    const removal = blocked === undefined ? `remove it: ${again}` : blocked.hint;
    return {
      data,
      text: () => describe(data),
      hints: yes || !something || removal === undefined ? [] : [removal],
    };
  },
});

/** The options that decide what is removed, for the command that removes it. */
function repeated(given: {
  grace: number | undefined;
  evict: true | string | undefined;
  remote: string | null;
  soleClone: boolean;
}): string[] {
  const { grace, evict, remote, soleClone } = given;
  return [
    ...(grace === undefined ? [] : [`--grace ${grace}`]),
    ...(evict === undefined ? [] : [evict === true ? '--evict' : `--evict ${shellWord(evict)}`]),
    ...(remote === null ? [] : [`--remote ${shellWord(remote)}`]),
    ...(soleClone ? ['--sole-clone'] : []),
  ];
}

type Data = z.output<typeof Output>;
type Needs = z.output<typeof shownNeeds>[number];

function needsOf(digest: string, keepers: readonly Keeper[]): Needs {
  return {
    digest,
    keepers: keepers.map(({ need, sources }) => ({
      kind: need.kind,
      name: need.name,
      from: sources.map(({ kind, name }) => ({ kind, name })),
    })),
  };
}

function localData(report: GcReport, { yes, explain }: { yes: boolean; explain: boolean }): Data {
  const { plan, removed, reclaimable, graceDays, roots } = report;
  return {
    dryRun: !yes,
    remote: null,
    graceDays,
    reclaimable,
    manifests: plan.manifests.map(({ name, size }) => ({ digest: `sha256:${name}`, size })),
    packs: plan.packs.map(({ name, size }) => ({ name, size })),
    sparse: plan.sparse.map(({ name, size, neededBytes }) => ({ name, size, neededBytes })),
    layouts: [],
    removed: removed === undefined ? null : { ...removed, layouts: 0 },
    kept: plan.kept,
    young: [...plan.young],
    foreign: [],
    evicted: [...report.evicted],
    elsewhere: keptElsewhere(report).map(({ digest, keepers }) => needsOf(digest, keepers)),
    ...(explain
      ? { artifacts: plan.needed.map((digest) => needsOf(digest, roots.keepers.get(digest) ?? [])) }
      : {}),
  };
}

function remoteData(report: RemoteGcReport, yes: boolean): Data {
  const { plan, removed, reclaimable, graceDays, remote } = report;
  const { manifests, packs, bytes } = plan.kept;
  return {
    dryRun: !yes,
    remote: remote.name,
    graceDays,
    reclaimable,
    manifests: plan.manifests.map(({ name, size }) => ({ digest: `sha256:${name}`, size })),
    packs: plan.packs.map(({ name, size }) => ({ name, size })),
    sparse: plan.sparse.map(({ name, size, neededBytes }) => ({ name, size, neededBytes })),
    layouts: plan.layouts.map(({ name, size }) => ({ name, size })),
    removed: removed ?? null,
    kept: { manifests, packs, bytes },
    young: [...plan.young],
    foreign: [...plan.foreign],
    evicted: [],
    elsewhere: [],
  };
}

function describe(data: Data): string {
  const lines = [summary(data), ...keptLines(data)];
  const shown = data.artifacts ?? data.elsewhere;
  if (shown.length > 0) {
    lines.push('', data.artifacts === undefined ? 'Needed elsewhere only:' : 'What keeps each artifact:');
    for (const { digest, keepers } of shown) {
      lines.push(`  ${digest}`, ...keepers.map((keeper) => `    ${printable(describeKeeper(keeper))}`));
    }
  }
  return `${lines.join('\n')}\n`;
}

function summary({ dryRun, removed, manifests, packs, sparse, layouts, reclaimable }: Data): string {
  if (removed !== null) {
    const { manifests: gone, packs: dropped, repacked, bytes } = removed;
    if (gone + dropped + repacked + removed.layouts === 0) return 'Nothing to remove';
    return `Removed ${parts(gone, dropped)}${repacked === 0 ? '' : ` and rewrote ${count(repacked, 'pack')}`}: ${formatBytes(bytes)}`;
  }
  if (!dryRun || manifests.length + packs.length + sparse.length + layouts.length === 0)
    return 'Nothing to remove';
  const rewritten = sparse.length === 0 ? '' : ` and rewrite ${count(sparse.length, 'pack')}`;
  return `Would remove ${parts(manifests.length, packs.length)}${rewritten}: ${formatBytes(reclaimable)}`;
}

function parts(manifests: number, packs: number): string {
  return `${count(manifests, 'artifact')} and ${count(packs, 'pack')}`;
}

function keptLines({ kept, young, foreign, evicted, graceDays, dryRun }: Data): string[] {
  const stays = `Keeps ${count(kept.manifests, 'artifact')} in ${count(kept.packs, 'pack')}: ${formatBytes(kept.bytes)}`;
  const lines = [stays];
  if (evicted.length > 0) {
    const proof = dryRun ? 'needed, and would be read from the remote first' : 'which the remote has';
    lines.unshift(`Among them ${count(evicted.length, 'artifact')} ${proof}`);
  }
  if (foreign.length > 0) {
    lines.push(
      `${count(foreign.length, 'artifact')} only because this repository never saved or tracked them`,
    );
  }
  if (young.length === 0) return lines;
  return [
    ...lines,
    `${count(young.length, 'artifact')} only because younger than ${count(graceDays, 'day')}`,
  ];
}
