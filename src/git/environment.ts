/** What the environment of a command looks like to this layer. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** All that git may inherit: finding programs and configuration, the language, signing, and who commits. */
const INHERITED = [
  'PATH',
  'HOME',
  'XDG_CONFIG_HOME',
  'LANG',
  'LC_ALL',
  'USER',
  'LOGNAME',
  'USERPROFILE',
  'SystemRoot',
  'TMPDIR',
  'TEMP',
  'SSH_AUTH_SOCK',
  'GNUPGHOME',
  'GPG_TTY',
  'GIT_CONFIG_NOSYSTEM',
  'GIT_CONFIG_GLOBAL',
  'GIT_AUTHOR_NAME',
  'GIT_AUTHOR_EMAIL',
  'GIT_AUTHOR_DATE',
  'GIT_COMMITTER_NAME',
  'GIT_COMMITTER_EMAIL',
  'GIT_COMMITTER_DATE',
] as const;

/** How this person reaches other repositories; asked for only by a command that was given their address. */
const INHERITED_FOR_FETCH = [
  'GIT_SSH_COMMAND',
  'GIT_ASKPASS',
  'SSH_ASKPASS',
  'GIT_SSL_CAINFO',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'ALL_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'all_proxy',
  'no_proxy',
] as const;

/** Set by git for its hooks; anywhere else they would point the command at another repository or index. */
const INHERITED_IN_HOOK = ['GIT_DIR', 'GIT_WORK_TREE', 'GIT_INDEX_FILE'] as const;

/**
 * `hooks`: only asks where Git looks for hooks, so the setting that says so has to stand. `fetch`: talks to another
 * repository, whose address a person typed.
 */
export type GitAccess = 'read' | 'write' | 'commit' | 'hooks' | 'fetch';

/** The whole environment of a git process. */
export function gitEnvironment(
  env: Environment,
  access: GitAccess,
  insideHook: boolean,
): Record<string, string> {
  const child: Record<string, string> = {};
  for (const name of insideHook ? [...INHERITED, ...INHERITED_IN_HOOK] : INHERITED) {
    const value = env[name];
    if (value !== undefined) child[name] = value;
  }
  for (const name of access === 'fetch' ? INHERITED_FOR_FETCH : []) {
    const value = env[name];
    if (value !== undefined) child[name] = value;
  }
  child['GIT_TERMINAL_PROMPT'] = '0';
  // A commit's hooks are the user's own and talk the user's language; elsewhere git's words are compared.
  if (access !== 'commit') child['LC_ALL'] = 'C';
  if (access === 'read') {
    child['GIT_OPTIONAL_LOCKS'] = '0';
    // Asking whether an object exists must not fetch it from wherever a partial clone says.
    child['GIT_NO_LAZY_FETCH'] = '1';
  }
  return child;
}

/** Settings that make a look into a stranger's clone start no program of theirs, and that fix what a diff looks like. */
export function gitConfig(access: GitAccess): string[] {
  const settings = [
    'core.fsmonitor=false',
    'protocol.ext.allow=never',
    'core.pager=cat',
    'safe.bareRepository=explicit',
    'core.quotePath=true',
    'diff.suppressBlankEmpty=false',
  ];
  // A server that is told of a commit here would leave out files that a partial fetch of that commit did not bring.
  if (access === 'fetch') settings.push('fetch.negotiationAlgorithm=noop');
  // The hooks of the person who commits do apply to a commit made for them.
  return access === 'commit' || access === 'hooks' ? settings : [...settings, 'core.hooksPath=/dev/null'];
}
