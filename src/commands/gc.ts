import * as z from 'zod';
import { defineCommand } from '../cli/command.ts';
import { gc, keptElsewhere, type GcReport } from '../core/maintenance/gc.ts';
import type { Keeper } from '../core/maintenance/roots.ts';
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

export default defineCommand({
  options: [
    { flags: '--yes', description: 'remove; without it nothing is written' },
    {
      flags: '--grace <days>',
      description: 'leave alone what is younger (default: the setting gc.graceDays, 14)',
    },
    { flags: '--explain', description: 'say of every artifact here what keeps it' },
  ],
  description:
    'Removes objects of this clone that no version, stage, tracked path or hold needs on any branch, remote branch, tag, stash, work tree, in the index or in the recent reflog. Packs of which little is needed are rewritten first. Without --yes it only says what it would do. If anything that may need an object can not be read, nothing is removed.',
  examples: [
    { command: 'mlops gc', explains: 'what could be removed, and what only other branches or tags need' },
    { command: 'mlops gc --yes', explains: 'remove it' },
    { command: 'mlops gc --explain', explains: 'also why each artifact stays' },
  ],
  input: z.object({
    yes: z.boolean().default(false),
    grace: z.coerce.number('a number of days').min(0).max(3650).optional(),
    explain: z.boolean().default(false),
  }),
  output: z.lazy(() =>
    z.object({
      dryRun: z.boolean(),
      graceDays: z.number(),
      reclaimable: z.number(),
      manifests: z.array(z.object({ digest: z.string(), size: z.number() })),
      packs: z.array(z.object({ name: z.string(), size: z.number() })),
      sparse: z.array(z.object({ name: z.string(), size: z.number(), neededBytes: z.number() })),
      removed: z
        .object({
          manifests: z.number(),
          packs: z.number(),
          repacked: z.number(),
          bytes: z.number(),
        })
        .nullable(),
      kept: z.object({ manifests: z.number(), packs: z.number(), bytes: z.number() }),
      young: z.array(z.string()),
      elsewhere: shownNeeds,
      artifacts: shownNeeds.optional(),
    }),
  ),
  async run({ yes, grace, explain }, context) {
    const repository = await context.repository();
    const progress = context.progress('looking', 'items');
    let report: GcReport;
    try {
      report = await gc(repository, {
        yes,
        graceDays: grace,
        signal: context.signal,
        onProgress: ({ objects }) => progress.update(objects, undefined),
      });
    } finally {
      progress.stop();
    }
    if (report.notCopied !== undefined) {
      context.warn(`packs of which little is needed were left alone: ${report.notCopied.message}`);
    }
    const data = toData(report, { yes, explain });
    const something = data.manifests.length + data.packs.length + data.sparse.length > 0;
    return {
      data,
      text: () => describe(data),
      hints: yes || !something ? [] : ['remove it: mlops gc --yes'],
    };
  },
});

type Data = ReturnType<typeof toData>;

function toData(report: GcReport, { yes, explain }: { yes: boolean; explain: boolean }) {
  const { plan, removed, reclaimable, graceDays, roots } = report;
  const needs = (digest: string, keepers: readonly Keeper[]): z.output<typeof shownNeeds>[number] => ({
    digest,
    keepers: keepers.map(({ need, sources }) => ({
      kind: need.kind,
      name: need.name,
      from: sources.map(({ kind, name }) => ({ kind, name })),
    })),
  });
  return {
    dryRun: !yes,
    graceDays,
    reclaimable,
    manifests: plan.manifests.map(({ name, size }) => ({ digest: `sha256:${name}`, size })),
    packs: plan.packs.map(({ name, size }) => ({ name, size })),
    sparse: plan.sparse.map(({ name, size, neededBytes }) => ({ name, size, neededBytes })),
    removed: removed === undefined ? null : { ...removed },
    kept: plan.kept,
    young: [...plan.young],
    elsewhere: keptElsewhere(report).map(({ digest, keepers }) => needs(digest, keepers)),
    ...(explain
      ? { artifacts: plan.needed.map((digest) => needs(digest, roots.keepers.get(digest) ?? [])) }
      : {}),
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

function summary({ dryRun, removed, manifests, packs, sparse, reclaimable }: Data): string {
  if (removed !== null) {
    const { manifests: gone, packs: dropped, repacked, bytes } = removed;
    if (gone + dropped + repacked === 0) return 'Nothing to remove';
    return `Removed ${parts(gone, dropped, repacked)}: ${formatBytes(bytes)}`;
  }
  if (!dryRun || manifests.length + packs.length + sparse.length === 0) return 'Nothing to remove';
  const what = parts(manifests.length, packs.length, sparse.length);
  return `Would remove ${what}: ${formatBytes(reclaimable)}`;
}

function parts(manifests: number, packs: number, sparse: number): string {
  const rewritten = sparse === 0 ? '' : ` and rewrite ${count(sparse, 'pack')}`;
  return `${count(manifests, 'artifact')} and ${count(packs, 'pack')}${rewritten}`;
}

function keptLines({ kept, young, graceDays }: Data): string[] {
  const stays = `Keeps ${count(kept.manifests, 'artifact')} in ${count(kept.packs, 'pack')}: ${formatBytes(kept.bytes)}`;
  if (young.length === 0) return [stays];
  return [stays, `${count(young.length, 'artifact')} only because younger than ${count(graceDays, 'day')}`];
}
