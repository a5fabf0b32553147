// Walks through the main job in a fresh Git repository: train, save, list, promote, roll back, load, verify.
// Usage: node run.mjs [DIRECTORY]; without one, a temporary directory is made and removed again.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';

const root = fileURLToPath(new URL('../../', import.meta.url));
const here = fileURLToPath(new URL('.', import.meta.url));
const mlopsBinary = join(root, 'bin', 'mlops.js');
const MODEL = 'fraud_detector';

class StepFailed extends Error {}

function createSteps(directory) {
  function run(shown, [file, ...before], args) {
    process.stdout.write(`\n$ ${[shown, ...args].map(quoted).join(' ')}\n`);
    return finish(shown, spawnSync(file, [...before, ...args], { cwd: directory, encoding: 'utf8' }));
  }
  const mlops = [process.execPath, mlopsBinary];
  return {
    heading: (text) => process.stdout.write(`\n== ${text}\n`),
    git: (...args) => run('git', ['git'], args),
    node: (...args) => run('node', [process.execPath], args),
    mlops: (...args) => run('mlops', mlops, args),
    /** What a script would read: the `data` of the JSON output. */
    mlopsData: (...args) => JSON.parse(run('mlops', mlops, [...args, '--json'])).data,
  };
}

function finish(shown, { error, status, signal, stdout, stderr }) {
  process.stdout.write(stdout ?? '');
  process.stdout.write(stderr ?? '');
  if (error) throw new StepFailed(`${shown} could not be started: ${error.message}`);
  if (status !== 0) throw new StepFailed(`${shown} ended with ${signal ?? `exit code ${status}`}`);
  return stdout;
}

function quoted(argument) {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}

function assertEqual(actual, expected, what) {
  if (!isDeepStrictEqual(actual, expected)) {
    throw new StepFailed(`${what}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(actual)}`);
  }
}

/** Every file below a directory with its bytes. */
function readTree(directory) {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).toSorted();
  return paths.map((path) => ({ path: relative(directory, path), bytes: readFileSync(path) }));
}

function readMetrics(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** A small project as somebody would have it: code in Git, data and build output not. */
function createProject(directory, { git, node }) {
  for (const name of readdirSync(here)) {
    if (name.endsWith('.mjs') && name !== 'run.mjs') cpSync(join(here, name), join(directory, name));
  }
  // The project's dependencies are those that `npm ci` installed beside this example.
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'), 'junction');
  writeFileSync(join(directory, '.gitignore'), 'node_modules\nbuild/\ndata/\nrestored/\nmetrics*.json\n');
  git('init', '--quiet', '--initial-branch=main');
  git('config', 'user.name', 'Example');
  git('config', 'user.email', 'example@example.org');
  git('config', 'commit.gpgsign', 'false');
  git('add', '.');
  git('commit', '--quiet', '-m', 'Add training code');
  node('prepare.mjs', '--seed', '42');
}

/** Trains with the given number of steps and saves the result; gives what was saved, for later comparison. */
function trainAndSave(directory, { node, mlops, git }, { steps, versionArguments, description }) {
  node(
    'train.mjs',
    '--steps',
    steps,
    '--min-count',
    '60',
    '--out',
    'build/model',
    '--metrics',
    'metrics.json',
  );
  const saveArguments = [
    ['save', MODEL, 'build/model', '--metrics', 'metrics.json'],
    ['--param', `steps=${steps}`, '--param', 'min_count=60', '--param', 'seed=42'],
    ['--data', 'train=data/train.csv', '--data', 'test=data/test.csv'],
    ['--tag', 'algorithm=logistic-regression', '--description', description],
  ];
  mlops(...saveArguments.flat(), ...versionArguments);
  git('add', '.mlops');
  git('commit', '--quiet', '-m', `Save ${MODEL}: ${description}`);
  return {
    tree: readTree(join(directory, 'build', 'model')),
    metrics: readMetrics(join(directory, 'metrics.json')),
  };
}

function main(directory) {
  const steps = createSteps(directory);
  const { heading, git, node, mlops, mlopsData } = steps;

  heading('A project with real data');
  createProject(directory, steps);
  mlops('init');
  git('add', '.mlops');
  git('commit', '--quiet', '-m', 'Start an mlops repository');

  heading('Train and save two versions');
  const first = trainAndSave(directory, steps, {
    steps: '60',
    versionArguments: ['--version', 'v1.0.0'],
    description: 'baseline',
  });
  const second = trainAndSave(directory, steps, {
    steps: '200',
    versionArguments: ['--bump', 'minor'],
    description: 'trained longer',
  });

  heading('What is there');
  mlops('list');
  mlops('list', MODEL);
  mlops(
    'list',
    MODEL,
    '--filter',
    "metrics.roc_auc > 0.8 AND params.steps = '200'",
    '--sort',
    '-metrics.roc_auc',
  );
  const versions = mlopsData('list', MODEL).versions.map((entry) => entry.version);
  assertEqual(versions.length, 2, 'number of versions');
  const [v2, v1] = versions;
  mlops('show', `${MODEL}@${v1}`);

  heading('Promote, and think better of it');
  mlops('promote', `${MODEL}@${v1}`, '--to', 'production', '--reason', 'first release');
  mlops('promote', MODEL, v2, '--to', 'production', '--reason', comparison('roc_auc', first, second));
  mlops('rollback', MODEL, '--reason', comparison('precision', first, second));
  git('add', '.mlops');
  git('commit', '--quiet', '-m', `Keep ${v1} in production`);

  heading('Load what is in production and compare it with what was saved');
  mlops('load', `${MODEL}@production`, '-o', 'restored');
  const restored = readTree(join(directory, 'restored'));
  assertEqual(
    restored.map(({ path }) => path),
    first.tree.map(({ path }) => path),
    'restored files',
  );
  for (const [index, { path, bytes }] of restored.entries()) {
    if (!bytes.equals(first.tree[index].bytes)) throw new StepFailed(`${path}: restored bytes differ`);
  }
  node('predict.mjs', '--model', 'restored', '--data', 'data/test.csv', '--metrics', 'metrics-restored.json');
  assertEqual(
    readMetrics(join(directory, 'metrics-restored.json')),
    first.metrics,
    'metrics of the restored model',
  );

  heading('Who did what, and is everything intact?');
  mlops('history', MODEL);
  mlops('verify', '--deep');
  const damage = mlopsData('verify').damage;
  assertEqual(damage, [], 'damage found by verify');
  const { production } = mlopsData('list').models.find(({ model }) => model === MODEL).stages;
  assertEqual(production, v1, 'version in production');

  const size = restored.reduce((sum, { bytes }) => sum + bytes.length, 0);
  heading(`Done: versions ${v1} and ${v2}, production is ${production}`);
  process.stdout.write(`restored files: ${restored.length}, bytes: ${size}, all equal to what was saved\n`);
  process.stdout.write(
    `metrics of the restored model: ${JSON.stringify(first.metrics)}, equal to those of training\n`,
  );
}

function comparison(metric, first, second) {
  return `${metric} ${second.metrics[metric]} against ${first.metrics[metric]}`;
}

/** The empty directory to work in, and whether it is ours to remove. */
function chooseDirectory(given) {
  if (given === undefined)
    return { directory: mkdtempSync(join(tmpdir(), 'mlops-example-')), temporary: true };
  const directory = resolve(given);
  mkdirSync(directory, { recursive: true });
  if (readdirSync(directory).length > 0)
    throw new StepFailed(`${directory} is not empty; name a new directory`);
  return { directory, temporary: false };
}

/** A program that is missing, or older than what it is made from, would show something else than this checkout. */
function buildIfStale() {
  const built = statSync(join(root, 'dist', 'main.cjs'), { throwIfNoEntry: false });
  if (built !== undefined && !isNewer(join(root, 'src'), built.mtimeMs)) return;
  finish(
    'npm run build',
    spawnSync(process.execPath, [join(root, 'scripts', 'build.mjs')], { cwd: root, encoding: 'utf8' }),
  );
}

/** Whether a file below the directory, if there is one, changed after the time. */
function isNewer(directory, time) {
  if (!existsSync(directory)) return false;
  return readdirSync(directory, { recursive: true, withFileTypes: true }).some(
    (entry) => entry.isFile() && statSync(join(entry.parentPath, entry.name)).mtimeMs > time,
  );
}

let chosen;
try {
  buildIfStale();
  chosen = chooseDirectory(process.argv[2]);
  main(chosen.directory);
  if (!chosen.temporary) process.stdout.write(`The repository is in ${chosen.directory}\n`);
} catch (error) {
  if (!(error instanceof StepFailed)) throw error;
  process.stderr.write(`\nexample failed: ${error.message}\n`);
  process.exitCode = 1;
} finally {
  if (chosen?.temporary) rmSync(chosen.directory, { recursive: true, force: true });
}
