import { ENVIRONMENT_VARIABLES } from '../config/env.ts';

/** Narrow enough for the terminal that nobody has made wider. */
const WIDTH = 80;

const EXIT_CODES: readonly Definition[] = [
  ['0', 'done'],
  ['1', 'the answer is no: a check found problems, or something differs'],
  [
    '2',
    'usage or invalid input: a bad option, a malformed file, an unknown model or version, not a repository',
  ],
  ['3', 'integrity failure: a hash does not match, a record is damaged, the history is broken'],
  ['4', 'refused: an approval is missing, a file is unsafe, a stage holds the version'],
  ['5', 'locked or in conflict: another process is writing, or something moved underneath; pull or retry'],
  ['6', 'local I/O: the disk is full or read-only, a permission is missing'],
  ['7', 'remote: refused, unauthorised, or still failing after retries'],
  ['70', 'internal error: a bug; the message says what to send to the maintainers'],
  ['130', 'interrupted'],
];

const REFERENCES: readonly Definition[] = [
  ['fraud@v1.0.1', 'a version by its label'],
  ['fraud v1.0.1', 'the same, as two words'],
  ['fraud@production', 'the version that a stage holds'],
  ['fraud@latest', 'the newest version'],
  ['fraud', 'the same as fraud@latest'],
  ['sha256:1f3c9a20', 'the version whose artifact digest starts with these digits (8 or more)'],
];

const TOPICS: Readonly<Record<string, () => string>> = {
  'exit-codes': () =>
    page('Exit codes', [
      definitions(EXIT_CODES.map(([code, meaning]) => [code.padStart(3), meaning])),
      'With --json an error is one line on stderr:\n{"error":{"code","message","hint","exitCode","retryable"}}.',
    ]),
  environment: () =>
    page('Environment variables', [
      definitions(ENVIRONMENT_VARIABLES.map(({ name, description }) => [name, description])),
      paragraph(
        "Git's own variables reach git unchanged where they name a user, a home or a certificate. Values are never written to the repository, except that of MLOPS_ACTOR.",
      ),
    ]),
  references: () =>
    page('References', [
      'Where a command takes <ref>, it takes any of these:',
      definitions(REFERENCES),
      paragraph('A name that does not exist is exit code 2, with the nearest existing names as a hint.'),
    ]),
};

export const HELP_TOPICS = Object.keys(TOPICS);

/** The text of `mlops help <topic>`, or undefined when the words name no topic. No line has more than 80 characters. */
export function helpTopic(words: readonly string[]): string | undefined {
  const [name] = words;
  return words.length === 1 && name !== undefined && Object.hasOwn(TOPICS, name)
    ? TOPICS[name]?.()
    : undefined;
}

type Definition = readonly [term: string, meaning: string];

function page(title: string, parts: readonly string[]): string {
  return `${[title, ...parts].join('\n\n')}\n`;
}

/** Two columns: terms, and what they mean, which goes on below itself. */
function definitions(rows: readonly Definition[]): string {
  const column = Math.max(...rows.map(([term]) => term.length)) + 4;
  return rows
    .map(([term, meaning]) => {
      const [first = '', ...rest] = wrap(meaning, WIDTH - column);
      return [`  ${term}`.padEnd(column) + first, ...rest.map((line) => ' '.repeat(column) + line)].join(
        '\n',
      );
    })
    .join('\n');
}

function paragraph(text: string): string {
  return wrap(text, WIDTH).join('\n');
}

/** Breaks at spaces; a longer word has a line of its own. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line += `${line === '' ? '' : ' '}${word}`;
  }
  return [...lines, line];
}
