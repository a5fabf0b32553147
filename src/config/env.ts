import { SETTINGS } from './schema.ts';

/** One variable that changes what this program does. */
export interface EnvironmentVariable {
  name: string;
  /** What it does, for people. */
  description: string;
}

/** Every environment variable that this program looks at; `mlops help environment` prints the list. */
export const ENVIRONMENT_VARIABLES: readonly EnvironmentVariable[] = [
  {
    name: 'MLOPS_ACTOR',
    description: 'who acts, as written into records and events; default is the identity of Git',
  },
  {
    name: 'MLOPS_RUN_ID',
    description: 'run that `mlops log` logs to and `mlops save` links; `mlops run` sets it for its command',
  },
  {
    name: 'MLOPS_REPOSITORY',
    description: 'where the repository of that run is; `mlops run` sets it too',
  },
  ...Object.entries(SETTINGS).flatMap(([key, { variable }]) =>
    variable === undefined ? [] : [{ name: variable, description: `overrides the setting ${key}` }],
  ),
  {
    name: 'MLOPS_TRUST_REMOTES',
    description:
      'for CI: remotes that may be pushed to without asking, as `mlops remote list` shows them, with commas; 1 means all',
  },
  {
    name: 'AWS_PROFILE',
    description: 'profile of the AWS configuration with the credentials of s3:// remotes',
  },
  { name: 'AWS_ACCESS_KEY_ID', description: 'with AWS_SECRET_ACCESS_KEY, credentials of s3:// remotes' },
  { name: 'AWS_SECRET_ACCESS_KEY', description: 'with AWS_ACCESS_KEY_ID, credentials of s3:// remotes' },
  { name: 'AWS_SESSION_TOKEN', description: 'belongs to temporary credentials' },
  { name: 'AWS_REGION', description: 'region of s3:// remotes that name none' },
  {
    name: 'NODE_EXTRA_CA_CERTS',
    description: 'a file with certificates of authorities to trust besides the usual ones',
  },
  { name: 'NO_COLOR', description: 'when set and not empty, print without colour (no-color.org)' },
  {
    name: 'FORCE_COLOR',
    description: 'print with colour even when the output is no terminal; 0 means never',
  },
  { name: 'CI', description: 'when set, no progress bars and no questions' },
  {
    name: 'GITHUB_STEP_SUMMARY',
    description: 'set by GitHub Actions: the file that drift reports are added to as Markdown',
  },
  { name: 'PATH', description: 'where the program git is looked for' },
  { name: 'HOME', description: 'where Git looks for the configuration of the user' },
  { name: 'XDG_CONFIG_HOME', description: 'where Git looks for the configuration of the user' },
  { name: 'GIT_CONFIG_GLOBAL', description: 'the file Git reads in place of the configuration of the user' },
  { name: 'GIT_CONFIG_NOSYSTEM', description: 'when set, Git leaves out the configuration of the system' },
  { name: 'GIT_AUTHOR_NAME', description: 'with GIT_AUTHOR_EMAIL, the identity of Git' },
  { name: 'GIT_AUTHOR_EMAIL', description: 'with GIT_AUTHOR_NAME, the identity of Git' },
];
