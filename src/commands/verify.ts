import * as z from 'zod';
import { defineCommand } from '../cli/command.ts';
import { ExitCode } from '../errors.ts';
import { parseSample } from '../core/maintenance/sample.ts';
import { verify, type Verification } from '../core/maintenance/verify.ts';
import { formatBytes } from '../ui/bytes.ts';
import { count } from '../ui/numbers.ts';
import { table } from '../ui/table.ts';
import type { Terminal } from '../ui/terminal.ts';

export default defineCommand({
  arguments: [{ name: '[ref...]', description: 'only these versions (default: everything)' }],
  options: [
    { flags: '--deep', description: 'hash every byte of every object' },
    {
      flags: '--sample <part>',
      description: 'hash a part of the packs: 5% (by chance) or 2/7 (the second of seven fixed parts)',
    },
    { flags: '--remote [name]', description: 'also read and hash what the remote holds' },
    {
      flags: '--repair',
      description: 'fetch again what is damaged or incomplete here, and ask the remote for the rest',
    },
    { flags: '--metadata-only', description: 'look at records, events and stages, not at objects' },
  ],
  description:
    'Holds records, stage pointers, events and objects against each other. Without --deep objects are checked for presence, size and table of contents; manifests are always hashed. Every damage is named; exit 3 if there is any.',
  examples: [
    { command: 'mlops verify', explains: 'a quick look at everything' },
    {
      command: 'mlops verify --deep fraud_detector@production',
      explains: 'every byte of what is in production',
    },
    {
      command: 'mlops verify --remote --sample 5%',
      explains: 'that all of it is on the remote, and that a part of it is intact',
    },
    {
      command: 'mlops verify --sample 1/30',
      explains: 'a thirtieth of all bytes, a different one each day of a month',
    },
  ],
  input: z.object({
    ref: z.array(z.string()).default([]),
    deep: z.boolean().default(false),
    sample: z.string().optional(),
    remote: z.union([z.boolean(), z.string().min(1)]).default(false),
    repair: z.boolean().default(false),
    metadataOnly: z.boolean().default(false),
  }),
  output: z.lazy(() =>
    z.object({
      checked: z.object({
        records: z.number(),
        events: z.number(),
        pointers: z.number(),
        reports: z.number(),
        manifests: z.number(),
        packs: z.number(),
        blobs: z.number(),
        bytes: z.number(),
      }),
      damage: z.array(
        z.object({ kind: z.string(), path: z.string(), digest: z.string().nullable(), problem: z.string() }),
      ),
      notices: z.array(z.string()),
    }),
  ),
  async run({ ref, deep, sample, remote, repair, metadataOnly }, context) {
    const part = sample === undefined ? undefined : parseSample(sample);
    const repository = await context.repository();
    const progress = context.progress('verifying', 'bytes');
    let result: Verification;
    try {
      result = await verify(repository, {
        references: ref,
        deep: deep || part !== undefined,
        ...(part === undefined ? {} : { sample: part }),
        remote,
        repair,
        metadataOnly,
        signal: context.signal,
        onProgress: ({ bytes, totalBytes }) => progress.update(bytes, totalBytes),
      });
    } finally {
      progress.stop();
    }
    const { checked, damage, notices, conflict } = result;
    for (const notice of notices) context.warn(notice);
    return {
      data: { checked, damage: damage.map((found) => ({ ...found })), notices: [...notices] },
      text: (view) => describe(result, view),
      exitCode: damage.length === 0 ? ExitCode.ok : (conflict?.exitCode ?? ExitCode.integrity),
      hints:
        damage.length === 0
          ? []
          : advice(result, { canFetch: !repair && Object.keys(repository.config.remotes).length > 0 }),
    };
  },
});

function describe({ checked, damage }: Verification, view: Terminal): string {
  const { records, events, pointers, reports, manifests, packs, blobs, bytes } = checked;
  const objects = `${count(manifests, 'manifest')}, ${count(packs, 'pack')}, ${count(blobs, 'blob')}`;
  const hashed = bytes === 0 ? '' : `, ${formatBytes(bytes)} hashed`;
  const data = pointers === 0 ? '' : `, ${count(pointers, 'data pointer')}`;
  const kept = reports === 0 ? '' : `, ${count(reports, 'drift report')}`;
  const summary = `Checked ${count(records, 'record')}, ${count(events, 'event')}${data}${kept}, ${objects}${hashed}`;
  if (damage.length === 0) return `${summary}: no damage found\n`;
  const rows = damage.map(({ kind, path, problem }) => [kind, path, problem]);
  const columns = [{ header: 'KIND' }, { header: 'PATH' }, { header: 'PROBLEM' }];
  return `${table({ columns, rows }, { ...view, columns: Infinity })}${summary}: ${count(damage.length, 'problem')}\n`;
}

const DOCUMENTS: ReadonlySet<string> = new Set(['model', 'record', 'event', 'stage', 'pointer', 'report']);

function advice({ damage, conflict }: Verification, { canFetch }: { canFetch: boolean }): string[] {
  if (conflict?.hint !== undefined) return [conflict.hint];
  const documents = damage.find(({ kind }) => DOCUMENTS.has(kind));
  const objects = damage.filter(({ kind }) => !DOCUMENTS.has(kind));
  const isHere = ({ path }: { path: string }): boolean => path.startsWith('.mlops/');
  return [
    ...(documents === undefined ? [] : [`see what Git has: git log --oneline -- ${documents.path}`]),
    ...(objects.some(isHere)
      ? [
          `${canFetch ? 'fetch good bytes: mlops verify --repair; or ' : ''}save the same files again, or import a bundle that holds them: good bytes replace damaged ones`,
        ]
      : []),
    ...(objects.every(isHere)
      ? []
      : ['replace what is damaged or missing on the remote, from a clone that has it: mlops push --repair']),
  ];
}
