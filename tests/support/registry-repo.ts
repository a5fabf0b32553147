import { openTempRepo, tempGitRepo, type TempGitRepo } from './temp-repo.ts';
import { runCli, type CliResult, type RunCliOptions } from './run-cli.ts';

/** A real Git repository with a registry in it, and the program run in this process. */
export interface RegistryRepo extends TempGitRepo {
  run(...argv: string[]): Promise<CliResult>;
  runWith(options: Partial<RunCliOptions>, ...argv: string[]): Promise<CliResult>;
  /** `data` of a command with `--json`; fails unless the command ends with 0. */
  json<T = Record<string, unknown>>(...argv: string[]): Promise<T>;
  /** The error that a command ends with. */
  failure(...argv: string[]): Promise<Failure>;
  /** Saves the text as a version of the model, from `models/<model>.bin`. */
  save(model: string, label: string, ...options: string[]): Promise<void>;
}

export interface Failure {
  code: string;
  message: string;
  hint: string | null;
  exitCode: number;
  retryable: boolean;
}

/** The repository after `mlops init` and a first commit. */
export async function registryRepo(): Promise<RegistryRepo> {
  const repo = asRegistry(await tempGitRepo({ files: { 'README.md': 'a project\n' } }));
  await repo.json('init');
  await repo.git('commit', '--quiet', '-m', 'Start the registry');
  return repo;
}

export function asRegistry(repo: TempGitRepo): RegistryRepo {
  const runWith = (options: Partial<RunCliOptions>, ...argv: string[]): Promise<CliResult> =>
    runCli(argv, { cwd: repo.root, ...options, env: { ...repo.env, ...options.env } });
  const run = (...argv: string[]): Promise<CliResult> => runWith({}, ...argv);
  const json = async <T>(...argv: string[]): Promise<T> => {
    const { code, stdout, stderr } = await run(...argv, '--json');
    if (code !== 0) throw new Error(`mlops ${argv.join(' ')}: exit ${code}\n${stdout}${stderr}`);
    return (JSON.parse(stdout) as { data: T }).data;
  };
  return {
    ...repo,
    run,
    runWith,
    json,
    async failure(...argv) {
      const { code, stdout, stderr } = await run(...argv, '--json');
      const line = stderr.split('\n').findLast((each) => each.startsWith('{"error"'));
      if (line === undefined)
        throw new Error(`mlops ${argv.join(' ')}: exit ${code}, no error\n${stdout}${stderr}`);
      const { error } = JSON.parse(line) as { error: Failure };
      if (error.exitCode !== code) throw new Error(`exit ${code}, but the error says ${error.exitCode}`);
      return error;
    },
    async save(model, label, ...options) {
      await repo.write(`models/${model}.bin`, `bytes of ${model} ${label}`);
      await json('save', model, `models/${model}.bin`, '--version', label, ...options);
    },
  };
}

/** A clone of it, as another person has it: same history, no objects. */
export async function cloneOf(repo: RegistryRepo, path: string): Promise<RegistryRepo> {
  await repo.git('clone', '--quiet', repo.root, path);
  return asRegistry(openTempRepo(path, repo.env));
}
