import { relative, resolve } from 'node:path';
import * as z from 'zod';
import { defineCommand } from '../cli/command.ts';
import { RefWords } from '../cli/ref-words.ts';
import { deprecationNotice } from '../core/registry/deprecation.ts';
import { load } from '../core/registry/load.ts';
import { printable } from '../lib/terminal-text.ts';
import { formatBytes } from '../ui/bytes.ts';
import { count } from '../ui/numbers.ts';

export default defineCommand({
  arguments: [
    { name: '<ref...>', description: '<model>, <model>@<version>, <model>@<stage> or sha256:<digest>' },
  ],
  options: [
    {
      flags: '-o, --output <path>',
      description: 'where to write (default: the name it was saved under, here)',
    },
    { flags: '--file <glob...>', description: 'only these files of a directory; repeatable' },
    { flags: '--expect <digest>', description: 'refuse unless the version has this digest' },
    { flags: '--force', description: 'replace what is there' },
    { flags: '--offline', description: 'ask no remote for what is missing in this clone' },
    { flags: '--remote <name>', description: 'fetch what is missing from this remote' },
  ],
  description:
    'What is missing in this clone is fetched, with --file only what these files need. Every byte is hashed on the way. The result appears under its name only when it is complete; what is there and different is left alone.',
  examples: [
    {
      command: 'mlops load fraud_detector@production -o deploy/model',
      explains: 'restore what is in production',
    },
    {
      command: 'mlops load fraud_detector v1.0.1 --file "*.json" -o config',
      explains: 'only the JSON files of one version',
    },
  ],
  input: z.object({
    ref: RefWords,
    output: z.string().min(1).optional(),
    file: z.array(z.string().min(1).max(4096)).max(1000).default([]),
    expect: z.string().optional(),
    force: z.boolean().default(false),
    offline: z.boolean().default(false),
    remote: z.string().optional(),
  }),
  output: z.lazy(() =>
    z.object({
      model: z.string(),
      version: z.string(),
      digest: z.string(),
      /** Absolute path. */
      path: z.string(),
      outcome: z.enum(['restored', 'unchanged']),
      files: z.number(),
      size: z.number(),
    }),
  ),
  async run({ ref, output, file, expect, force, offline, remote }, context) {
    const repository = await context.repository();
    const fetching = context.progress('fetching', 'bytes');
    const progress = context.progress('restoring', 'bytes');
    try {
      const { version, target, outcome, files, size } = await load(repository, {
        reference: ref,
        target: output === undefined ? undefined : resolve(context.cwd, output),
        cwd: context.cwd,
        files: file,
        expect,
        force,
        offline,
        remote,
        signal: context.signal,
        onFetch: ({ bytes, totalBytes }) => fetching.update(bytes, totalBytes),
        onProgress: ({ bytes, totalBytes }) => {
          fetching.stop();
          progress.update(bytes, totalBytes);
        },
      });
      const { model, version: label, digest } = version.record;
      const deprecated = deprecationNotice(version);
      const shown = printable(relative(context.cwd, target) || '.');
      return {
        data: { model, version: label, digest, path: target, outcome, files, size },
        text: () =>
          outcome === 'restored'
            ? `Restored ${model}@${label} to ${shown}: ${count(files, 'file')}, ${formatBytes(size)}\n`
            : `${shown} holds ${model}@${label} already\n`,
        hints: deprecated === undefined ? [] : [deprecated],
      };
    } finally {
      fetching.stop();
      progress.stop();
    }
  },
});
