import * as z from 'zod';
import type { JsonValue } from '../lib/canonical-json.ts';
import { isReservedName } from '../lib/portable-names.ts';
import { DRIFT_FAIL_ON, DRIFT_POLICIES } from './drift-names.ts';
import {
  DriftAlpha,
  DriftEffect,
  DriftFlag,
  DriftIgnore,
  DriftPolicyName,
  DriftSettings,
  DriftSeverity,
} from './drift-settings.ts';

// Lazy, all that is more than one schema: building them takes longer than reading a file without settings.
export const StageName = z.lazy(() =>
  z
    .string()
    .regex(/^[a-z]([a-z0-9-]{0,62}[a-z0-9])?$/, 'a stage is 1 to 64 lower-case letters, digits and "-"')
    .refine((name) => name !== 'latest', '"latest" is not a stage')
    .refine((name) => !isReservedName(name), 'the name is a device name on Windows'),
);

const Stages = z.lazy(() =>
  z
    .array(StageName)
    .min(1)
    .max(100)
    .refine((names) => new Set(names).size === names.length, 'a stage is listed twice'),
);

export const RemoteName = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$/,
    'a remote is 1 to 64 lower-case letters, digits, ".", "_" and "-"',
  );

/** Where objects are kept besides this clone. No secrets: credentials come from the SDK's default chain. */
const Remote = z.lazy(() =>
  z.strictObject({
    /** `s3://bucket/prefix` or an absolute directory; checked in full where a remote is opened. */
    url: z.string().min(1).max(2048),
    endpoint: z.string().max(2048).optional(),
    region: z.string().max(64).optional(),
    /** Name of a profile of the AWS configuration of whoever runs the command. */
    profile: z.string().max(128).optional(),
    /** Bucket in the path instead of the host name; default true where an endpoint is given. */
    pathStyle: z.boolean().optional(),
  }),
);
export type RemoteConfig = z.output<typeof Remote>;

const GitStage = z.boolean();
const LockTimeout = z.lazy(() => z.number().min(0).max(3600));
const GraceDays = z.lazy(() => z.number().min(0).max(3650));
const Silence = z.lazy(() => z.number().min(0.1).max(3600));
const Attempts = z.lazy(() => z.number().int().min(1).max(20));
const PrePush = z.enum(['push', 'check', 'off'], 'push, check or off');
const HooksFetch = z.boolean();
const RequireSavedData = z.boolean();
const AllowedSecrets = z.lazy(() =>
  z
    .array(z.string().regex(/^[0-9a-f]{16}$/, 'the 16 hexadecimal digits that the pre-commit hook printed'))
    .max(1000),
);

/** `.mlops/config.json` and `.mlops/local.json`. Strict: a key that is not listed here is a typing error. */
export const ConfigFile = z.lazy(() =>
  z.strictObject({
    schema: z.literal('mlops.config/1').optional(),
    stages: Stages.optional(),
    git: z.strictObject({ stage: GitStage.optional() }).optional(),
    lock: z.strictObject({ timeoutSeconds: LockTimeout.optional() }).optional(),
    hooks: z
      .strictObject({
        prePush: PrePush.optional(),
        fetch: HooksFetch.optional(),
        requireSavedData: RequireSavedData.optional(),
        allowedSecrets: AllowedSecrets.optional(),
      })
      .optional(),
    gc: z.strictObject({ graceDays: GraceDays.optional() }).optional(),
    transfer: z
      .strictObject({ timeoutSeconds: Silence.optional(), attempts: Attempts.optional() })
      .optional(),
    drift: DriftSettings.optional(),
    remotes: z.record(RemoteName, Remote).optional(),
    defaultRemote: RemoteName.optional(),
    /** Only in local.json: remotes this clone may push to, as `mlops remote trust` or an answered question wrote them. */
    trustedRemotes: z.array(z.string().max(4096)).max(100).optional(),
  }),
);
export type ConfigFile = z.output<typeof ConfigFile>;

/** `.mlops/config.json`: a committed file must not be able to vouch for the remotes that it names itself. */
export const SharedConfigFile = z.lazy(() => ConfigFile.unwrap().omit({ trustedRemotes: true }));

/** How patient requests to a remote are. */
export interface TransferConfig {
  /** Longest silence of a connection. */
  timeoutSeconds: number;
  /** How often one request is tried in all. */
  attempts: number;
}

/** Settings after defaults < config.json < local.json < environment. */
export interface Config {
  stages: readonly string[];
  git: {
    /** `git add` what a command wrote, when it does not commit. */
    stage: boolean;
  };
  lock: { timeoutSeconds: number };
  /** How long `mlops gc` leaves alone what was stored, or what a Git ref pointed to. */
  gc: { graceDays: number };
  transfer: TransferConfig;
  hooks: {
    /** What the pre-push hook does with objects that pushed commits need. */
    prePush: z.output<typeof PrePush>;
    /** Whether post-checkout and post-merge ask the remote for what is missing here. */
    fetch: boolean;
    /** Whether a commit is refused while tracked data holds what is saved nowhere. */
    requireSavedData: boolean;
    /** Fingerprints of texts that look like secrets and are none. */
    allowedSecrets: readonly string[];
  };
  /** How data are compared, the weaker file first; `src/core/drift/policy/resolve.ts` makes the rules of it. */
  drift: readonly { origin: 'config.json' | 'local.json'; settings: DriftSettings }[];
  /** By name, those of local.json before those of config.json. */
  remotes: Readonly<Record<string, RemoteConfig & { origin: 'config.json' | 'local.json' }>>;
  /** The remote that is meant when none is named; absent when there is none, or several and no choice was made. */
  defaultRemote?: string;
  /** Identities of remotes (see `remoteIdentity`) that this clone may push to without asking. */
  trustedRemotes: readonly string[];
  /** `MLOPS_TRUST_REMOTES=1`: whatever the configuration names is trusted. */
  trustsEveryRemote: boolean;
}

export const DEFAULT_CONFIG: Config = {
  stages: ['staging', 'production'],
  git: { stage: true },
  lock: { timeoutSeconds: 10 },
  gc: { graceDays: 14 },
  transfer: { timeoutSeconds: 30, attempts: 5 },
  hooks: { prePush: 'push', fetch: false, requireSavedData: true, allowedSecrets: [] },
  drift: [],
  remotes: {},
  trustedRemotes: [],
  trustsEveryRemote: false,
};

/** One setting as `mlops config` knows it; keys are dotted paths into {@link ConfigFile} and {@link Config}. */
export interface Setting {
  kind: 'boolean' | 'number' | 'list' | 'name';
  schema: z.ZodType;
  description: string;
  /** The environment variable that overrides both files. */
  variable?: string;
  /** What holds when nothing is set, where {@link DEFAULT_CONFIG} does not say it. */
  fallback?: JsonValue;
}

export const SETTINGS: Readonly<Record<string, Setting>> = {
  stages: {
    kind: 'list',
    schema: Stages,
    description: 'names of the stages, in the order in which a version moves through them',
  },
  'git.stage': {
    kind: 'boolean',
    schema: GitStage,
    description: '`git add` what a command wrote, when it does not commit',
    variable: 'MLOPS_GIT_STAGE',
  },
  'lock.timeoutSeconds': {
    kind: 'number',
    schema: LockTimeout,
    description: 'how long a command waits for another one to finish writing, in seconds',
    variable: 'MLOPS_LOCK_TIMEOUT',
  },
  'gc.graceDays': {
    kind: 'number',
    schema: GraceDays,
    description: 'how many days `mlops gc` leaves alone what was stored, or what a Git ref pointed to',
  },
  'transfer.timeoutSeconds': {
    kind: 'number',
    schema: Silence,
    description:
      'how long a connection to a remote may stay silent, or all but silent, before it is given up, in seconds',
    variable: 'MLOPS_REMOTE_TIMEOUT',
  },
  'transfer.attempts': {
    kind: 'number',
    schema: Attempts,
    description: 'how often a request to a remote is tried in all when it fails for a reason that may pass',
    variable: 'MLOPS_REMOTE_ATTEMPTS',
  },
  'hooks.prePush': {
    kind: 'name',
    schema: PrePush,
    description:
      'before `git push`: push the objects that the commits need, only check that the remote has them, or off',
    variable: 'MLOPS_PRE_PUSH',
  },
  'hooks.fetch': {
    kind: 'boolean',
    schema: HooksFetch,
    description: 'after `git checkout` and `git merge`: fetch tracked data that is not in the cache',
  },
  'hooks.requireSavedData': {
    kind: 'boolean',
    schema: RequireSavedData,
    description: 'refuse a commit while tracked data holds what was not added; otherwise only warn',
  },
  'hooks.allowedSecrets': {
    kind: 'list',
    schema: AllowedSecrets,
    description:
      'fingerprints, as the pre-commit hook prints them, of texts that look like secrets and are none',
  },
  'drift.policy': {
    kind: 'name',
    schema: DriftPolicyName,
    description: `the rules by which \`mlops drift\` decides: ${DRIFT_POLICIES.join(', ')}`,
    fallback: 'default',
  },
  'drift.alpha': {
    kind: 'number',
    schema: DriftAlpha,
    description: 'significance level of `mlops drift`; without it 0.01, and 0.05 under the policy pvalue',
    fallback: 0.01,
  },
  'drift.failOn': {
    kind: 'name',
    schema: DriftSeverity,
    description: `the severity from which on \`mlops drift\` exits with 1: ${DRIFT_FAIL_ON.join(', ')}`,
    fallback: 'medium',
  },
  'drift.failOnInconclusive': {
    kind: 'boolean',
    schema: DriftFlag,
    description: 'whether `mlops drift` exits with 1 as well when there are too few rows to tell',
    fallback: false,
  },
  'drift.effect': {
    kind: 'number',
    schema: DriftEffect,
    description: 'the least change of a distribution that matters to `mlops drift`, as a share of rows',
    fallback: 0.1,
  },
  'drift.ignore': {
    kind: 'list',
    schema: DriftIgnore,
    description: 'columns that `mlops drift` does not compare: names, or globs with * and ?',
    fallback: [],
  },
  defaultRemote: {
    kind: 'name',
    schema: RemoteName,
    description: 'the remote that is meant when a command names none; with one remote it is that one',
  },
};
