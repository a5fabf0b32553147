import * as z from 'zod';
import { defineCommand } from '../cli/command.ts';
import { RefWords } from '../cli/ref-words.ts';
import { annotate } from '../core/registry/amend.ts';
import { followUpInGit } from '../core/registry/git-follow-up.ts';
import { parsePairs } from '../core/registry/measurements.ts';

export default defineCommand({
  arguments: [
    { name: '<ref...>', description: '<model>, <model>@<version>, <model>@<stage> or sha256:<digest>' },
  ],
  options: [
    { flags: '--tag <key=value...>', description: 'set a tag; an empty value removes it; repeatable' },
    { flags: '--description <text>', description: 'replace the description' },
    { flags: '--commit', description: 'commit the metadata, and nothing else that is staged' },
  ],
  description: 'The version itself is immutable: notes are events beside it, with who and when.',
  examples: [
    { command: 'mlops annotate fraud_detector@v1.0.1 --tag reviewed=yes', explains: 'add a tag' },
    {
      command: 'mlops annotate fraud_detector@v1.0.1 --tag reviewed= --description "trained on Q3"',
      explains: 'remove a tag, set the description',
    },
  ],
  input: z.object({
    ref: RefWords,
    tag: z.array(z.string()).default([]),
    description: z.string().max(20_000, 'a description has at most 20,000 characters').optional(),
    commit: z.boolean().default(false),
  }),
  output: z.lazy(() =>
    z.object({
      model: z.string(),
      version: z.string(),
      event: z.string().nullable(),
      commit: z.string().nullable(),
    }),
  ),
  async run({ ref, tag, description, commit }, context) {
    const repository = await context.repository();
    const { model, version, event, written } = await annotate(repository, {
      reference: ref,
      tags: parsePairs(tag, 'tag'),
      description,
    });
    const git = await followUpInGit(repository, { written, commit, message: `Annotate ${model} ${version}` });
    if (git.problem !== undefined) context.warn(`annotated, but not added to Git: ${git.problem}`);
    return {
      data: { model, version, event: event ?? null, commit: git.commit ?? null },
      text: () =>
        event === undefined ? `${model}@${version} says so already\n` : `Annotated ${model}@${version}\n`,
    };
  },
});
