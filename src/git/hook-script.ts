import { createHash } from 'node:crypto';
import type { HookName } from './git.ts';

/** Raised whenever the text below changes, so that `mlops hooks install` knows its own older files. */
const SCRIPT_VERSION = 1;

/** What a hook starts when it finds it; both empty to look for `mlops` on PATH only. Absolute paths. */
export interface HookProgram {
  node: string;
  script: string;
}

export interface ParsedScript {
  version: number;
  /** False when somebody changed the file after it was written. */
  intact: boolean;
  /** Written without paths of the machine. */
  portable: boolean;
}

/** Ends the name of a hook that was there before ours, beside which it lies. */
export const PREVIOUS_SUFFIX = '.mlops-previous';

const HEAD = /^#!\/bin\/sh\n# mlops-hook v(?<version>\d{1,6}) [a-z-]+ (?<sum>[0-9a-f]{16})\n/;

/** The whole file. It depends on nothing but its arguments and the version of this text. */
export function renderScript(hook: HookName, program: HookProgram): string {
  const body = renderBody(hook, program);
  return `#!/bin/sh\n# mlops-hook v${SCRIPT_VERSION} ${hook} ${sumOf(body)}\n${body}`;
}

/** Undefined for a file that is none of ours. */
export function parseScript(text: string): ParsedScript | undefined {
  const found = HEAD.exec(text);
  if (found?.groups === undefined) return undefined;
  const { version = '', sum = '' } = found.groups;
  const body = text.slice(found[0].length);
  return {
    version: Number(version),
    intact: sumOf(body) === sum,
    portable: body.includes("\nprogram=''\n"),
  };
}

/** Whether a file of this version was written by a newer program, which knows better. */
export function isNewer({ version }: ParsedScript): boolean {
  return version > SCRIPT_VERSION;
}

function sumOf(body: string): string {
  return createHash('sha256').update(body).digest('hex').slice(0, 16);
}

/** One word for a POSIX shell, whatever the text holds. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Only builtins of the shell, since there may be no PATH. Git runs hooks in the root of the work tree. */
function renderBody(hook: HookName, { node, script }: HookProgram): string {
  return `# Written by \`mlops hooks install\`; \`mlops hooks uninstall\` takes it away again.
# A hook that was here before is ${hook}${PREVIOUS_SUFFIX} beside this file. It runs first.
node=${quote(node)}
program=${quote(script)}

run_mlops() {
${guards(hook)}  if [ -f "$program" ] && [ -x "$node" ]; then
    exec "$node" "$program" hooks run ${hook} -- "$@"
  elif [ -f "$program" ] && command -v node >/dev/null 2>&1; then
    exec node "$program" hooks run ${hook} -- "$@"
  elif command -v mlops >/dev/null 2>&1; then
    exec mlops hooks run ${hook} -- "$@"
  fi
${notFound(hook)}
}

case $0 in
*/*) previous=\${0%/*}/${hook}${PREVIOUS_SUFFIX} ;;
*) previous=./${hook}${PREVIOUS_SUFFIX} ;;
esac
if [ ! -f "$previous" ] || [ ! -x "$previous" ]; then
  run_mlops "$@"
  exit
fi
${chain(hook)}`;
}

function guards(hook: HookName): string {
  // The commits that are pushed may hold what the files that are checked out do not.
  if (hook === 'pre-push') return '';
  const lines = ['  [ -d .mlops ] || exit 0'];
  // Files were checked out, not a commit.
  if (hook === 'post-checkout') lines.push('  [ "$3" != 0 ] || exit 0');
  return lines.map((line) => `${line}\n`).join('');
}

function notFound(hook: HookName): string {
  const [outcome, code] = hook === 'pre-push' ? ['nothing was pushed', 1] : [`${hook} checked nothing`, 0];
  const say = (text: string): string => `  echo ${quote(text)} >&2`;
  return [
    say(
      `${code === 1 ? 'error' : 'warning'}: can't find mlops, neither where it was nor on PATH; ${outcome}`,
    ),
    say('hint: install mlops and run: mlops hooks install'),
    `  exit ${code}`,
  ].join('\n');
}

/** Runs the hook that was here before with the same arguments and the same input; its refusal stands. */
function chain(hook: HookName): string {
  if (hook === 'pre-push') {
    return `input=
while IFS= read -r line; do
  input=$input$line'
'
done
input=$input$line
printf '%s' "$input" 2>/dev/null | "$previous" "$@" || exit
printf '%s' "$input" 2>/dev/null | run_mlops "$@"
`;
  }
  if (hook === 'pre-commit') {
    return `"$previous" "$@" || exit
run_mlops "$@"
`;
  }
  return `"$previous" "$@"
code=$?
(run_mlops "$@")
exit $code
`;
}
