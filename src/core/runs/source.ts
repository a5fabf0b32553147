import { basename, isAbsolute, relative, sep } from 'node:path';
import type { Repository } from '../repository/repository.ts';
import { redactCommand } from './redact.ts';
import type { RunSource } from './run.ts';

/** Programs that run a script which is the entry point. */
const INTERPRETERS =
  /^(?:python[\d.]*|pypy[\d.]*|node|deno|bun|Rscript|julia|bash|sh|zsh|perl|ruby|pwsh)(?:\.exe)?$/;
/** Programs that start another program. */
const LAUNCHERS =
  /^(?:uv|poetry|pdm|pipenv|conda|mamba|hatch|pixi|env|nohup|time|accelerate|torchrun|deepspeed|mpirun|srun|npx|nice)(?:\.exe)?$/;
const SCRIPT = /\.(?:py|ipynb|js|mjs|cjs|ts|R|r|jl|sh|pl|rb|ps1)$/;

/** Where a command comes from: its words without secrets, its script, its directory, and the code as Git knows it. */
export async function captureSource(
  repository: Repository,
  { command, cwd }: { command: readonly string[]; cwd: string },
): Promise<RunSource> {
  const git = await repository.git();
  const directory = relative(repository.root, cwd).split(sep).join('/');
  const isInside = !isAbsolute(directory) && directory !== '..' && !directory.startsWith('../');
  const entryPoint = entryPointOf(command);
  return {
    command: redactCommand(command, repository.config.hooks.allowedSecrets).map((word) =>
      withoutHome(word, repository.root),
    ),
    ...(entryPoint === undefined ? {} : { entryPoint: withoutHome(entryPoint, repository.root) }),
    directory: isInside ? directory : basename(cwd),
    git: await git.codeState(),
  };
}

/** The script of `python train.py --lr 1`, the module of `python -m train`, else the program. */
export function entryPointOf(command: readonly string[]): string | undefined {
  const [program] = command;
  if (program === undefined) return undefined;
  const name = basename(program);
  if (!INTERPRETERS.test(name) && !LAUNCHERS.test(name)) return program;
  const rest = command.slice(1);
  const module = rest.indexOf('-m');
  const script = rest.findIndex((word) => SCRIPT.test(word));
  if (module !== -1 && (script === -1 || module < script)) return rest[module + 1];
  return script === -1 ? program : rest[script];
}

/** Paths of this machine mean nothing elsewhere. */
function withoutHome(word: string, root: string): string {
  return word.startsWith(`${root}${sep}`) ? word.slice(root.length + 1) : word;
}
