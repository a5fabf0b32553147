import { CommanderError } from 'commander';
import { resolve } from 'node:path';
import { ExitCode, UsageError } from '../errors.ts';
import { printable } from '../lib/terminal-text.ts';
import { painter } from '../ui/colour.ts';
import type { CommandDefinition, Rendered } from './command.ts';
import type { Context, Io, ProgramPaths } from './context.ts';
import { createContext } from './context.ts';
import { manifest as wholeManifest, type Manifest } from './manifest.ts';
import { buildProgram, type GlobalOptions, type Match } from './program.ts';
import { VERSION } from './version.ts';

/** What the process, or a test, provides. */
export interface Host {
  io: Io;
  /** Absolute. */
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  signal: AbortSignal;
  now(): Date;
  /** How a hook can start this program; default: by its name. */
  program?: ProgramPaths;
  /** Default: every command there is. */
  manifest?: Manifest;
  /** Sees what a command returned before it is printed. */
  inspect?(definition: CommandDefinition, rendered: Rendered<unknown>): void;
}

/**
 * Runs one command line (without `node` and the script) and resolves to the exit code. Never throws and never ends the process.
 */
export async function main(argv: readonly string[], host: Host): Promise<number> {
  const words = beforeDashes(argv);
  const io = words.includes('--no-color') ? { ...host.io, outColor: false, errColor: false } : host.io;
  try {
    return await run(argv, { ...host, io });
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return ExitCode.ok;
    const { reportError } = await import('./report-error.ts');
    // Parsing may be what failed, so `--json` is looked for in the words themselves.
    return reportError(error, { io, json: words.includes('--json'), signal: host.signal, version: VERSION });
  }
}

async function run(argv: readonly string[], host: Host): Promise<number> {
  const found: { match?: Match } = {};
  const program = buildProgram({
    manifest: host.manifest ?? wholeManifest,
    io: host.io,
    onMatch: (match) => {
      found.match = match;
    },
    onHelp: async (topic) => {
      await help(topic, host);
    },
  });
  if (asksForVersion(argv)) {
    host.io.out(`${VERSION}\n`);
    return ExitCode.ok;
  }
  if (argv.length === 0) {
    program.outputHelp();
    return ExitCode.ok;
  }
  await program.parseAsync(argv, { from: 'user' });
  const { match } = found;
  if (match === undefined) return ExitCode.ok;
  const { json = false, quiet = false, C: directory } = program.opts<GlobalOptions>();
  const context = createContext({
    ...host,
    cwd: directory === undefined ? host.cwd : resolve(host.cwd, directory),
    json,
    quiet,
    insideHook: match.definition.insideHook === true,
    program: host.program ?? { node: '', script: '' },
  });
  const rendered = await match.definition.run(match.input, context);
  host.inspect?.(match.definition, rendered);
  print(rendered, { context, json });
  return rendered.exitCode ?? ExitCode.ok;
}

/** `--version` before any command; after one it is that command's own, as in `save --version v1`. */
function asksForVersion(argv: readonly string[]): boolean {
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? '';
    if (word === '--version') return true;
    if (word === '-C') index += 1;
    else if (!word.startsWith('-')) return false;
  }
  return false;
}

async function help(topic: readonly string[], host: Host): Promise<void> {
  const { helpTopic } = await import('./help-topics.ts');
  const text = helpTopic(topic);
  if (text !== undefined) {
    host.io.out(text);
    return;
  }
  if (topic[0]?.startsWith('_')) throw new UsageError('UNKNOWN_COMMAND', `unknown command '${topic[0]}'`);
  await run([...topic, '--help'], host);
}

function print(rendered: Rendered<unknown>, { context, json }: { context: Context; json: boolean }): void {
  const { io, quiet } = context;
  const { errors = [], note } = rendered.conversation ?? {};
  if (!json) {
    for (const { message, hint } of errors) {
      io.err(`${painter(io.errColor).red('error:')} ${printable(message)}\n`);
      if (hint !== null) io.err(`hint: ${printable(hint)}\n`);
    }
  }
  if (quiet) return;
  if (!json && note !== undefined) io.err(`${printable(note)}\n`);
  if (json) {
    io.out(`${JSON.stringify({ schemaVersion: 1, data: rendered.data }, null, 2)}\n`);
    return;
  }
  const { outIsTTY: isTTY, outColor: color, columns } = io;
  io.out(rendered.text({ isTTY, color, columns, now: context.now() }));
  for (const hint of rendered.hints ?? []) io.err(`hint: ${printable(hint)}\n`);
}

function beforeDashes(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--');
  return end === -1 ? argv : argv.slice(0, end);
}
