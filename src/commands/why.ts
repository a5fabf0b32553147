import * as z from 'zod';
import { defineCommand } from '../cli/command.ts';
import { RefWords } from '../cli/ref-words.ts';
import { why } from '../core/maintenance/why.ts';
import { printable } from '../lib/terminal-text.ts';
import { formatBytes } from '../ui/bytes.ts';
import { describeKeeper } from '../ui/keepers.ts';

const KeptObject = z.lazy(() =>
  z.object({
    kind: z.enum(['manifest', 'pack', 'blob', 'absent']),
    name: z.string(),
    size: z.number(),
    packs: z.array(z.string()),
    kept: z.boolean(),
    graceUntil: z.string().nullable(),
    artifacts: z.array(
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
  }),
);

export default defineCommand({
  arguments: [
    {
      name: '<object...>',
      description:
        '<model>@<version>, or the start (8 or more digits) of the name of a manifest, pack or blob',
    },
  ],
  description:
    'Names the versions, stages, tracked paths and holds that need an object, and the branches, tags, stashes and work trees that have them; and how long its age alone keeps it.',
  examples: [
    { command: 'mlops why fraud_detector@v1.0.0', explains: 'what keeps the bytes of a version' },
    { command: 'mlops why 4b227777', explains: 'what keeps a manifest, a pack or a blob' },
  ],
  input: z.object({ object: RefWords }),
  output: KeptObject,
  async run({ object }, context) {
    const found = await why(await context.repository(), object);
    const data = {
      kind: found.kind,
      name: found.name,
      size: found.size,
      packs: [...found.packs],
      kept: found.kept,
      graceUntil: found.graceUntil ?? null,
      artifacts: found.artifacts.map(({ digest, keepers }) => ({
        digest,
        keepers: keepers.map(({ need, sources }) => ({
          kind: need.kind,
          name: need.name,
          from: sources.map(({ kind, name }) => ({ kind, name })),
        })),
      })),
    };
    return { data, text: () => describe(data) };
  },
});

type Data = z.output<typeof KeptObject>;

const KINDS: Readonly<Record<Data['kind'], string>> = {
  manifest: 'The artifact',
  pack: 'The pack',
  blob: 'The blob',
  absent: 'The artifact',
};

function describe(data: Data): string {
  const { kind, name, size, packs, kept, graceUntil, artifacts } = data;
  const where =
    kind === 'absent' ? 'is not here' : kind === 'blob' ? `is in ${packs.length} packs here` : 'is here';
  const lines = [`${KINDS[kind]} ${name} (${formatBytes(size)}) ${where}`];
  for (const { digest, keepers } of artifacts) {
    const about = kind === 'manifest' || kind === 'absent' ? '' : `  ${digest}`;
    if (about !== '') lines.push(about);
    for (const keeper of keepers) lines.push(`    ${printable(describeKeeper(keeper))}`);
    if (keepers.length === 0) lines.push('    nothing needs this artifact');
  }
  if (artifacts.length === 0) lines.push('    no artifact here needs it');
  if (graceUntil !== null) lines.push(`Its age alone keeps it until ${graceUntil}`);
  if (!kept) lines.push('Nothing keeps it: `mlops gc --yes` removes it');
  return `${lines.join('\n')}\n`;
}
