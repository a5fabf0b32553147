import type { CommandDefinition } from './command.ts';

export interface CommandEntry {
  /** One line for the list of commands: a phrase without a final period. */
  summary: string;
  /** Heading it appears under in `mlops --help`; only for entries of the first level. */
  group?: CommandGroup;
  aliases?: readonly string[];
  /** Left out of help, documentation and completion. */
  hidden?: boolean;
  /** Commands of their own that start with this one's name: a first word that is one of these is taken for it. */
  verbs?: Readonly<Record<string, CommandEntry>>;
  load: () => Promise<{ default: CommandDefinition }>;
}

/** A noun such as `config` with its verbs. */
export interface NounEntry {
  summary: string;
  group?: CommandGroup;
  commands: Readonly<Record<string, CommandEntry>>;
}

export type Manifest = Readonly<Record<string, CommandEntry | NounEntry>>;

/** Headings of `mlops --help`, in the order in which they appear. */
export const COMMAND_GROUPS = [
  'Versions',
  'Stages and history',
  'Remotes and data',
  'Drift',
  'Experiments',
  'Integrity and space',
  'Settings and help',
] as const;
export type CommandGroup = (typeof COMMAND_GROUPS)[number];

/**
 * Every command, with the one thing that must be known without loading it: its summary. `load` is called for the matched
 * command only, so nothing else may import a command module.
 */
export const manifest: Manifest = {
  init: {
    summary: 'Create the registry in this Git repository',
    group: 'Versions',
    load: () => import('../commands/init.ts'),
  },
  save: {
    summary: 'Store a file or directory as a new version of a model',
    group: 'Versions',
    load: () => import('../commands/save.ts'),
  },
  list: {
    summary: 'List models, or the versions of one',
    group: 'Versions',
    aliases: ['ls'],
    load: () => import('../commands/list.ts'),
  },
  show: {
    summary: 'Show everything known of one version',
    group: 'Versions',
    load: () => import('../commands/show.ts'),
  },
  load: {
    summary: 'Restore a version, byte for byte',
    group: 'Versions',
    load: () => import('../commands/load.ts'),
  },
  diff: {
    summary: 'Compare two versions',
    group: 'Versions',
    load: () => import('../commands/diff.ts'),
  },
  annotate: {
    summary: 'Change tags and description of a version',
    group: 'Versions',
    load: () => import('../commands/annotate.ts'),
  },
  deprecate: {
    summary: 'Say that a version should not be used any more',
    group: 'Versions',
    load: () => import('../commands/deprecate.ts'),
  },
  delete: {
    summary: 'Take a version out of the registry',
    group: 'Versions',
    load: () => import('../commands/delete.ts'),
  },
  export: {
    summary: 'Write a version with all its bytes into one file',
    group: 'Versions',
    load: () => import('../commands/export.ts'),
  },
  import: {
    summary: 'Take a version from a bundle',
    group: 'Versions',
    load: () => import('../commands/import.ts'),
    verbs: {
      mlruns: {
        summary: "Take the runs of a directory of MLflow's file store",
        load: () => import('../commands/import/mlruns.ts'),
      },
    },
  },
  promote: {
    summary: 'Move a stage such as production to a version',
    group: 'Stages and history',
    load: () => import('../commands/promote.ts'),
  },
  rollback: {
    summary: 'Move a stage back to what it held before',
    group: 'Stages and history',
    load: () => import('../commands/rollback.ts'),
  },
  history: {
    summary: 'Show who changed what, when and why',
    group: 'Stages and history',
    load: () => import('../commands/history.ts'),
  },
  remote: {
    summary: 'Say where objects are kept besides this clone',
    group: 'Remotes and data',
    commands: {
      add: { summary: 'Add a bucket or a directory', load: () => import('../commands/remote/add.ts') },
      list: { summary: 'List the remotes', load: () => import('../commands/remote/list.ts') },
      remove: { summary: 'Forget a remote', load: () => import('../commands/remote/remove.ts') },
      test: {
        summary: 'Write, read, list and delete a tiny object',
        load: () => import('../commands/remote/test.ts'),
      },
      trust: {
        summary: 'Let this clone push to a remote of the shared configuration',
        load: () => import('../commands/remote/trust.ts'),
      },
    },
  },
  data: {
    summary: 'Track files and directories where they are',
    group: 'Remotes and data',
    commands: {
      add: {
        summary: 'Track a file or directory, or record its new content',
        load: () => import('../commands/data/add.ts'),
      },
      list: { summary: 'List the tracked paths', load: () => import('../commands/data/list.ts') },
      history: {
        summary: 'Show who changed tracked data, and when',
        load: () => import('../commands/data/history.ts'),
      },
      remove: {
        summary: 'Stop tracking a path, and keep the file',
        load: () => import('../commands/data/remove.ts'),
      },
    },
  },
  push: {
    summary: 'Send objects to a remote',
    group: 'Remotes and data',
    load: () => import('../commands/push.ts'),
  },
  pull: {
    summary: 'Fetch objects from a remote and restore tracked data',
    group: 'Remotes and data',
    load: () => import('../commands/pull.ts'),
  },
  fetch: {
    summary: 'Fetch objects from a remote',
    group: 'Remotes and data',
    load: () => import('../commands/fetch.ts'),
  },
  get: {
    summary: 'Get one version of another repository, without cloning it',
    group: 'Remotes and data',
    load: () => import('../commands/get.ts'),
  },
  status: {
    summary: 'Show what differs from the tracked data',
    group: 'Remotes and data',
    load: () => import('../commands/status.ts'),
  },
  checkout: {
    summary: 'Restore tracked data as the checked-out commit has it',
    group: 'Remotes and data',
    load: () => import('../commands/checkout.ts'),
  },
  hooks: {
    summary: 'Let Git run mlops when it commits, pushes and checks out',
    group: 'Remotes and data',
    commands: {
      install: {
        summary: 'Write the hooks, beside those that are there',
        load: () => import('../commands/hooks/install.ts'),
      },
      uninstall: {
        summary: 'Remove the hooks and restore what was there before',
        load: () => import('../commands/hooks/uninstall.ts'),
      },
      status: {
        summary: 'Show which hooks Git runs',
        load: () => import('../commands/hooks/status.ts'),
      },
      run: {
        summary: 'Do the work of one hook; Git starts it',
        load: () => import('../commands/hooks/run.ts'),
      },
    },
  },
  drift: {
    summary: 'Compare a data set with a reference and judge whether it drifted',
    group: 'Drift',
    load: () => import('../commands/drift.ts'),
    verbs: {
      calibrate: {
        summary: 'Find the least effects that matter from batches that were accepted',
        load: () => import('../commands/drift/calibrate.ts'),
      },
    },
  },
  profile: {
    summary: 'Keep of a data set what drift checks need, and no rows',
    group: 'Drift',
    load: () => import('../commands/profile.ts'),
  },
  reports: {
    summary: 'Look at the drift reports that were kept',
    group: 'Drift',
    commands: {
      list: { summary: 'List the kept reports', load: () => import('../commands/reports/list.ts') },
      show: {
        summary: 'Show a kept report, in any format',
        load: () => import('../commands/reports/show.ts'),
      },
      compare: {
        summary: 'Show which columns became worse or better',
        load: () => import('../commands/reports/compare.ts'),
      },
    },
  },
  run: {
    summary: 'Run a command as a run of an experiment',
    group: 'Experiments',
    load: () => import('../commands/run.ts'),
  },
  server: {
    summary: "Serve MLflow's REST API over this repository",
    group: 'Experiments',
    load: () => import('../commands/server.ts'),
  },
  log: {
    summary: 'Log to a run, from within it or by its id',
    group: 'Experiments',
    commands: {
      metric: { summary: 'Log metrics', load: () => import('../commands/log/metric.ts') },
      param: { summary: 'Log parameters', load: () => import('../commands/log/param.ts') },
      tag: { summary: 'Set tags', load: () => import('../commands/log/tag.ts') },
      artifact: { summary: 'Keep files with a run', load: () => import('../commands/log/artifact.ts') },
      data: { summary: 'Record which data a run reads', load: () => import('../commands/log/data.ts') },
    },
  },
  runs: {
    summary: 'Look at runs, compare and keep them',
    group: 'Experiments',
    commands: {
      list: { summary: 'List runs, newest first', load: () => import('../commands/runs/list.ts') },
      show: { summary: 'Show everything known of one run', load: () => import('../commands/runs/show.ts') },
      compare: {
        summary: 'Hold runs against each other',
        load: () => import('../commands/runs/compare.ts'),
      },
      plot: { summary: 'Draw metrics of runs', load: () => import('../commands/runs/plot.ts') },
      best: { summary: 'Name the run with the best metric', load: () => import('../commands/runs/best.ts') },
      output: { summary: 'Print what a run printed', load: () => import('../commands/runs/output.ts') },
      artifacts: {
        summary: 'List the artifacts of a run, or get them',
        load: () => import('../commands/runs/artifacts.ts'),
      },
      export: {
        summary: "Write runs as MLflow's file store has them",
        load: () => import('../commands/runs/export.ts'),
      },
      keep: { summary: 'Add runs to Git', load: () => import('../commands/runs/keep.ts') },
      delete: { summary: 'Mark runs as deleted', load: () => import('../commands/runs/delete.ts') },
      restore: { summary: 'Take deletions back', load: () => import('../commands/runs/restore.ts') },
    },
  },
  verify: {
    summary: 'Check records, events, stages and objects for damage',
    group: 'Integrity and space',
    load: () => import('../commands/verify.ts'),
  },
  gc: {
    summary: 'Remove objects that nothing needs any more',
    group: 'Integrity and space',
    load: () => import('../commands/gc.ts'),
  },
  why: {
    summary: 'Say what keeps an object',
    group: 'Integrity and space',
    load: () => import('../commands/why.ts'),
  },
  hold: {
    summary: 'Keep artifacts in this clone',
    group: 'Integrity and space',
    commands: {
      add: {
        summary: 'Keep an artifact, whatever else is said of it',
        load: () => import('../commands/hold/add.ts'),
      },
      list: { summary: 'List what is kept, and why', load: () => import('../commands/hold/list.ts') },
      remove: { summary: 'No longer keep an artifact', load: () => import('../commands/hold/remove.ts') },
    },
  },
  doctor: {
    summary: 'Find out what is wrong with the surroundings',
    group: 'Integrity and space',
    load: () => import('../commands/doctor.ts'),
  },
  unlock: {
    summary: 'Remove a lock that nobody holds any more',
    group: 'Integrity and space',
    load: () => import('../commands/unlock.ts'),
  },
  config: {
    summary: 'Read and change settings',
    group: 'Settings and help',
    commands: {
      get: { summary: 'Print one setting', load: () => import('../commands/config/get.ts') },
      list: {
        summary: 'Print all settings and where they come from',
        load: () => import('../commands/config/list.ts'),
      },
      set: { summary: 'Change a setting', load: () => import('../commands/config/set.ts') },
      unset: { summary: 'Go back to the default', load: () => import('../commands/config/unset.ts') },
    },
  },
  completion: {
    summary: 'Print a completion script for bash, zsh or fish',
    group: 'Settings and help',
    load: () => import('../commands/completion.ts'),
  },
  __complete: {
    summary: 'Print completions for the words of an unfinished command line',
    hidden: true,
    load: () => import('./complete-command.ts'),
  },
};

/** Every command with its words, such as `config get`, in the order of the manifest. */
export function allCommands(
  entries: Manifest = manifest,
): { path: string; group: CommandGroup | undefined; entry: CommandEntry }[] {
  return Object.entries(entries).flatMap(([name, entry]) => {
    const verbs = Object.entries((isNoun(entry) ? entry.commands : entry.verbs) ?? {});
    const below = verbs.map(([verb, each]) => ({ path: `${name} ${verb}`, group: entry.group, entry: each }));
    return isNoun(entry) ? below : [{ path: name, group: entry.group, entry }, ...below];
  });
}

export function isNoun(entry: CommandEntry | NounEntry): entry is NounEntry {
  return 'commands' in entry;
}
