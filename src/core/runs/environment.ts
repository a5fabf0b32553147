import { createHash } from 'node:crypto';
import { lstat, readFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join, relative, sep } from 'node:path';
import type { Repository } from '../repository/repository.ts';
import { looksSecret } from './redact.ts';
import type { RunEnvironment } from './run.ts';

/** Variables that change what a training does, or say where it ran. None of them is meant to hold a secret. */
const VARIABLES = [
  'BUILD_NUMBER',
  'CI',
  'CI_COMMIT_SHA',
  'CI_JOB_ID',
  'CI_PIPELINE_ID',
  'CONDA_DEFAULT_ENV',
  'CUBLAS_WORKSPACE_CONFIG',
  'CUDA_VISIBLE_DEVICES',
  'GITHUB_ACTIONS',
  'GITHUB_REF_NAME',
  'GITHUB_REPOSITORY',
  'GITHUB_RUN_ID',
  'GITHUB_SHA',
  'GITLAB_CI',
  'LOCAL_RANK',
  'MKL_NUM_THREADS',
  'OMP_NUM_THREADS',
  'OPENBLAS_NUM_THREADS',
  'PYTHONHASHSEED',
  'PYTORCH_CUDA_ALLOC_CONF',
  'RANK',
  'SLURM_JOB_ID',
  'SLURM_JOB_NAME',
  'SLURM_PROCID',
  'TF_DETERMINISTIC_OPS',
  'TF_ENABLE_ONEDNN_OPTS',
  'WORLD_SIZE',
] as const;
const MOST_CHARACTERS = 200;

/** Files that say which packages are used. */
const PACKAGE_FILES = [
  'Cargo.lock',
  'Dockerfile',
  'Manifest.toml',
  'Pipfile.lock',
  'conda-lock.yml',
  'environment.yaml',
  'environment.yml',
  'package-lock.json',
  'pdm.lock',
  'pixi.lock',
  'pnpm-lock.yaml',
  'poetry.lock',
  'pyproject.toml',
  'renv.lock',
  'requirements.lock',
  'requirements.txt',
  'uv.lock',
  'yarn.lock',
] as const;
const MOST_BYTES = 32 * 1024 * 1024;

export interface CaptureEnvironmentRequest {
  /** Absolute; package files are looked for here and at the root of the work tree. */
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  /** Names of the graphics cards, where they were asked for. */
  gpus: readonly string[];
}

/** A fingerprint of the machine and its settings: an allow-list, so that no secret gets in by accident. */
export async function captureEnvironment(
  repository: Repository,
  { cwd, env, gpus }: CaptureEnvironmentRequest,
): Promise<RunEnvironment> {
  const { platform, arch } = repository.environment;
  const processors = cpus();
  const { allowedSecrets } = repository.config.hooks;
  const variables = new Map<string, string>();
  for (const name of VARIABLES) {
    const value = env[name];
    if (value === undefined || value.length > MOST_CHARACTERS || looksSecret(name, value, allowedSecrets))
      continue;
    variables.set(name, value);
  }
  return {
    platform,
    arch,
    cpu: processors[0]?.model.trim().slice(0, MOST_CHARACTERS),
    cpus: processors.length,
    memory: totalmem(),
    ...(gpus.length === 0 ? {} : { gpus }),
    files: await packageFiles(repository.root, cwd),
    variables,
  };
}

async function packageFiles(root: string, cwd: string): Promise<{ path: string; digest: string }[]> {
  const found: { path: string; digest: string }[] = [];
  const inside = relative(root, cwd);
  const directories = inside === '' || inside.startsWith('..') ? [''] : ['', inside];
  for (const directory of directories) {
    for (const name of PACKAGE_FILES) {
      const path = join(directory, name);
      const digest = await digestOfFile(join(root, path));
      if (digest !== undefined) found.push({ path: path.split(sep).join('/'), digest });
    }
  }
  return found;
}

/** Undefined for what is no ordinary file, or can't be read: a fingerprint is no reason to fail. */
async function digestOfFile(path: string): Promise<string | undefined> {
  try {
    const stats = await lstat(path);
    if (!stats.isFile() || stats.size > MOST_BYTES) return undefined;
    return `sha256:${createHash('sha256')
      .update(await readFile(path))
      .digest('hex')}`;
  } catch {
    return undefined;
  }
}
