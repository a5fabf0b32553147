import * as z from 'zod';
import { defineCommand } from '../../cli/command.ts';
import { RemoteName } from '../../config/schema.ts';
import { followUpInGit } from '../../core/registry/git-follow-up.ts';
import { addRemote } from '../../core/transfer/remotes.ts';

export default defineCommand({
  arguments: [
    { name: '<name>', description: 'what commands call it, such as origin' },
    {
      name: '<url>',
      description: 's3://<bucket>/<prefix>, or an absolute directory such as a mounted share',
    },
  ],
  options: [
    { flags: '--default', description: 'the one that is meant when a command names none' },
    { flags: '--endpoint <url>', description: 'S3 server other than AWS, such as https://s3.example.org' },
    { flags: '--region <region>', description: 'region of the bucket, such as eu-central-1' },
    { flags: '--profile <name>', description: 'profile of the AWS configuration of whoever uses it' },
    {
      flags: '--no-path-style',
      description: 'bucket in the host name although an endpoint is given',
    },
    { flags: '--local', description: 'for this clone only, in .mlops/local.json, which Git ignores' },
    { flags: '--commit', description: 'commit the change, and nothing else that is staged' },
  ],
  description:
    'Nothing is sent to a bucket; a directory is made, and marked so that an empty mount point is not taken for it. Credentials are never stored: they come from the AWS environment variables, profiles and roles of whoever uses the remote.',
  examples: [
    {
      command: 'mlops remote add origin s3://models/prod --region eu-central-1',
      explains: 'a bucket at AWS, for all clones',
    },
    {
      command: 'mlops remote add origin s3://models/prod --endpoint https://s3.example.org',
      explains: 'a server of your own: SeaweedFS, MinIO, Ceph',
    },
    {
      command: 'mlops remote add share /mnt/share/models --local',
      explains: 'a mounted share, in this clone',
    },
  ],
  input: z.object({
    name: z.lazy(() => RemoteName),
    url: z.string().min(1),
    default: z.boolean().default(false),
    endpoint: z.string().optional(),
    region: z.string().optional(),
    profile: z.string().optional(),
    pathStyle: z.boolean().default(true),
    local: z.boolean().default(false),
    commit: z.boolean().default(false),
  }),
  output: z.lazy(() =>
    z.object({
      name: z.string(),
      url: z.string(),
      added: z.boolean(),
      commit: z.string().nullable(),
    }),
  ),
  async run(input, context) {
    const { name, url, endpoint, region, profile, pathStyle, local, commit } = input;
    const repository = await context.repository();
    const { written, added } = await addRemote(repository, {
      name,
      settings: {
        url,
        ...(endpoint === undefined ? {} : { endpoint }),
        ...(region === undefined ? {} : { region }),
        ...(profile === undefined ? {} : { profile }),
        ...(pathStyle ? {} : { pathStyle }),
      },
      makeDefault: input.default,
      local,
      prepare: (settings) => context.prepareRemote(settings),
    });
    const git = await followUpInGit(repository, { written, commit, message: `Add the remote ${name}` });
    if (git.problem !== undefined) context.warn(`added, but not added to Git: ${git.problem}`);
    return {
      data: { name, url, added, commit: git.commit ?? null },
      text: () =>
        added ? `Added the remote ${name}: ${url}\n` : `The remote ${name} is configured like that already\n`,
      hints: added ? [`see whether it works: mlops remote test ${name}`] : [],
    };
  },
});
