import type * as z from 'zod';
import type { Context } from './context.ts';

export interface ArgumentDefinition {
  /** commander syntax: `<model>`, `[path]`, `<ref...>`. For one reference that may be two words see `RefWords`. */
  name: string;
  description: string;
}

export interface OptionDefinition {
  /**
   * commander syntax. A trailing `...` inside the brackets makes the option repeatable: `--metric <key=value...>` takes one
   * value each time it is given and arrives as an array.
   */
  flags: string;
  description: string;
}

export interface Example {
  command: string;
  /** What it does, as a phrase. */
  explains: string;
}

/** What a text renderer may know of the terminal; it changes the rendering, never the content. */
export interface View {
  isTTY: boolean;
  /** Whether escape sequences for colour may be used. */
  color: boolean;
  /** Width in characters; Infinity when it is no terminal. */
  columns: number;
  now: Date;
}

export interface Rendered<D> {
  data: D;
  /** The result for people, ending in a newline unless empty. Not called with `--json` or `--quiet`. */
  text(view: View): string;
  /** Default 0. Anything but an `ExitCode` is that of another program which the command ran. */
  exitCode?: number;
  /**
   * What goes to stderr though it is the result, where stdout belongs to somebody else: a hook's belongs to Git. Not shown with
   * `--json`; errors are shown with `--quiet` too.
   */
  conversation?: { errors: readonly { message: string; hint: string | null }[]; note?: string };
  /** Lines for stderr (next commands to type); not shown with `--json` or `--quiet`. */
  hints?: readonly string[];
}

/**
 * One command. Help, documentation, completion and the JSON contract are all read from this object.
 * Argument and option values arrive under their camel-case names and are parsed by `input` before `run` sees them.
 */
export interface CommandDefinition<I extends z.ZodType = z.ZodType, O extends z.ZodType = z.ZodType> {
  arguments?: readonly ArgumentDefinition[];
  options?: readonly OptionDefinition[];
  /** One or two sentences below the summary in the help. */
  description?: string;
  examples: readonly Example[];
  input: I;
  /** Shape of `data` in the JSON envelope; published in docs/json-output.md and checked by tests. */
  output: O;
  /** Git starts it as a hook: then GIT_DIR and GIT_INDEX_FILE say what is being committed. */
  insideHook?: boolean;
  // Method syntax on purpose: it lets the manifest hold definitions of every input type.
  run(input: z.output<I>, context: Context): Promise<Rendered<z.output<O>>>;
}

export function defineCommand<I extends z.ZodType, O extends z.ZodType>(
  definition: CommandDefinition<I, O>,
): CommandDefinition<I, O> {
  return definition;
}
