import { parseArgs } from 'node:util';

/** What somebody typed wrongly: shown without a stack trace, exit 2. */
export class UsageError extends Error {}

export const USAGE = `usage: npm run bench -- SUITE [options]

suites: save; transfer, which starts SeaweedFS from a Python package and needs rclone or the AWS CLI to compare with;
        drift, which installs pandas and scipy to compare with

  --rows a,b      only these rows; a name selects every row that starts with it (save-file, registry)
  --scale S       multiply sizes and counts by S, such as 0.01 (default 1)
  --repeat N      repetitions of long runs (default 3); short ones are repeated more often in proportion
  --peers a,b     which other tools to compare with: restic, borg, git-lfs, dvc, evidently, nannyml, deepchecks, or none (default: all that are installed)
  --out DIR       where to write SUITE.json and SUITE.md (default: bench/results for a complete run at scale 1, else nowhere)
  --keep          leave the temporary directory behind
  --list          print the names of the rows
`;

export const PEERS = ['restic', 'borg', 'git-lfs', 'dvc', 'evidently', 'nannyml', 'deepchecks'];

/** @throws UsageError */
export function parseOptions(argv, suites) {
  const { values, positionals } = read(argv);
  const [suite, ...others] = positionals;
  if (suite === undefined) throw new UsageError('which suite?');
  if (!suites.includes(suite) || others.length > 0) {
    throw new UsageError(`there is no suite "${positionals.join(' ')}"`);
  }
  const scale = positive('--scale', values.scale ?? '1');
  const repeat = positive('--repeat', values.repeat ?? '3');
  if (!Number.isInteger(repeat)) throw new UsageError(`--repeat: "${repeat}" is no whole number`);
  return {
    suite,
    scale,
    repeat,
    rows: names(values.rows),
    peers: peers(values.peers),
    out: values.out,
    keep: values.keep === true,
    list: values.list === true,
  };
}

function read(argv) {
  const text = { type: 'string' };
  const flag = { type: 'boolean' };
  const options = { rows: text, scale: text, repeat: text, peers: text, out: text, keep: flag, list: flag };
  try {
    return parseArgs({ args: argv, options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error.message, { cause: error });
  }
}

function positive(option, text) {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0)
    throw new UsageError(`${option}: "${text}" is no positive number`);
  return value;
}

function names(text) {
  return text
    ?.split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function peers(text) {
  if (text === undefined) return PEERS;
  const chosen = names(text).filter((name) => name !== 'none');
  const unknown = chosen.find((name) => !PEERS.includes(name));
  if (unknown !== undefined)
    throw new UsageError(`--peers: "${unknown}" is none of ${PEERS.join(', ')}, none`);
  return chosen;
}
