import { resolve } from 'node:path';
import * as z from 'zod';
import { defineCommand } from '../cli/command.ts';
import { RefWords } from '../cli/ref-words.ts';
import { exportVersion } from '../core/registry/bundle.ts';
import { printable } from '../lib/terminal-text.ts';
import { formatBytes } from '../ui/bytes.ts';

export default defineCommand({
  arguments: [
    { name: '<ref...>', description: '<model>, <model>@<version>, <model>@<stage> or sha256:<digest>' },
  ],
  options: [
    { flags: '-o, --output <file>', description: 'the bundle to write, such as fraud-v1.tar.gz (required)' },
    { flags: '--force', description: 'replace what is there' },
  ],
  description:
    'One file with the record and every byte of the version, for a machine without network. `mlops import` verifies it.',
  examples: [
    {
      command: 'mlops export fraud_detector@production -o fraud.tar.gz',
      explains: 'carry what is in production elsewhere',
    },
  ],
  input: z.object({
    ref: RefWords,
    output: z.string('name the file: -o <file>').min(1),
    force: z.boolean().default(false),
  }),
  output: z.lazy(() =>
    z.object({
      model: z.string(),
      version: z.string(),
      digest: z.string(),
      path: z.string(),
      bundle: z.string(),
      size: z.number(),
    }),
  ),
  async run({ ref, output, force }, context) {
    const target = resolve(context.cwd, output);
    const { version, digest, size } = await exportVersion(await context.repository(), {
      reference: ref,
      target,
      force,
    });
    const { model, version: label } = version.record;
    return {
      data: { model, version: label, digest: version.record.digest, path: target, bundle: digest, size },
      text: () => `Exported ${model}@${label} to ${printable(output)}: ${formatBytes(size)}\n  ${digest}\n`,
    };
  },
});
