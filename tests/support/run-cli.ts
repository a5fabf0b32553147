import { main } from '../../src/cli/main.ts';
import type { Manifest } from '../../src/cli/manifest.ts';
import { BIN } from './binary.ts';

export interface RunCliOptions {
  /** Absolute. */
  cwd: string;
  /** Added to a bare environment: PATH and what keeps git away from the settings of this machine. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Both streams are a terminal; default false. Colours stay off unless `color`. */
  tty?: boolean;
  color?: boolean;
  columns?: number;
  now?: Date | (() => Date);
  signal?: AbortSignal;
  /** What the person answers to a question; without it nobody can be asked. Questions go to stderr. */
  answer?: string;
  /** What is piped in. */
  input?: string;
  manifest?: Manifest;
}

export interface CliResult {
  code: number;
  stdout: string;
  stderr: string;
}

/**
 * Runs a command line in this process, with strings for streams. Whatever a command returns is checked against its published
 * `output` schema on the way, so every test of a command is also a test of its JSON contract.
 */
export async function runCli(argv: readonly string[], options: RunCliOptions): Promise<CliResult> {
  const {
    answer,
    input,
    cwd,
    tty = false,
    color = false,
    columns = tty ? 80 : Infinity,
    now = new Date(),
  } = options;
  let stdout = '';
  let stderr = '';
  let outputProblem: Error | undefined;
  const code = await main(argv, {
    io: {
      out: (text) => void (stdout += text),
      err: (text) => void (stderr += text),
      outIsTTY: tty,
      errIsTTY: tty,
      outColor: color,
      errColor: color,
      columns,
      ...(answer === undefined ? {} : { ask: (question) => ((stderr += question), Promise.resolve(answer)) }),
      ...(input === undefined ? {} : { input: () => Promise.resolve(input) }),
    },
    program: { node: process.execPath, script: BIN },
    cwd,
    env: { ...hermeticEnv(cwd), ...options.env },
    signal: options.signal ?? new AbortController().signal,
    now: typeof now === 'function' ? now : () => now,
    ...(options.manifest === undefined ? {} : { manifest: options.manifest }),
    inspect: (definition, { data }) => {
      const result = definition.output.safeParse(JSON.parse(JSON.stringify(data)));
      outputProblem = result.success ? undefined : result.error;
    },
  });
  if (outputProblem !== undefined) throw outputProblem;
  return { code, stdout, stderr };
}

function hermeticEnv(home: string): Record<string, string | undefined> {
  // eslint-disable-next-line node/no-process-env -- git has to be found
  const { PATH } = process.env;
  return {
    PATH,
    HOME: home,
    XDG_CONFIG_HOME: home,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    LC_ALL: 'C',
  };
}
