// Makes a Python environment of the interoperability tests in .venv. Does nothing when it is already there for the same
// requirements. Prints the path of its interpreter; an argument names another environment than `interop`.
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** One environment for each group of packages, so that their dependencies cannot disagree. */
const REQUIREMENTS = {
  interop: 'tests/interop/requirements.txt',
  s3: 'tests/interop/s3/requirements.txt',
  mlflow2: 'tests/interop/mlflow/requirements-2.txt',
  mlflow3: 'tests/interop/mlflow/requirements-3.txt',
  drift: 'bench/drift/requirements.txt',
};

/**
 * @param {keyof typeof REQUIREMENTS} name
 * @returns {string} the interpreter's path
 */
export function prepareInteropEnvironment(name = 'interop') {
  const target = join(root, '.venv', name);
  const requirements = join(root, REQUIREMENTS[name]);
  const interpreter = join(target, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  const key = createHash('sha256').update(readFileSync(requirements)).digest('hex');
  const stamp = join(target, 'requirements.sha256');
  if (existsSync(interpreter) && existsSync(stamp) && readFileSync(stamp, 'utf8') === key) return interpreter;
  rmSync(target, { recursive: true, force: true });
  mkdirSync(dirname(target), { recursive: true });
  run('python3', ['-m', 'venv', target], 'making the virtual environment');
  const pip = [
    '-m',
    'pip',
    'install',
    '--disable-pip-version-check',
    '--quiet',
    '--only-binary',
    ':all:',
    '-r',
    requirements,
  ];
  run(interpreter, pip, `installing ${REQUIREMENTS[name]}`);
  // Written last: an interrupted installation has no stamp and is made anew.
  writeFileSync(stamp, key);
  return interpreter;
}

function run(command, parameters, step) {
  const result = spawnSync(command, parameters, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (result.status === 0) return;
  const reason = result.error?.message ?? result.stderr.trim().split('\n').slice(-5).join('\n');
  throw new Error(
    `the interoperability tests need Python 3.11 or later with pip: ${step} failed:\n${reason}`,
  );
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [name = 'interop'] = process.argv.slice(2);
  if (!Object.hasOwn(REQUIREMENTS, name)) throw new Error(`there is no environment "${name}"`);
  process.stdout.write(`${prepareInteropEnvironment(/** @type {keyof typeof REQUIREMENTS} */ (name))}\n`);
}
