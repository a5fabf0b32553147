#!/usr/bin/env node
// CommonJS, see package.json beside it: Node takes a tenth of the time of a short command to start on a module.
'use strict';

const { existsSync, readFileSync } = require('node:fs');
const nodeModule = require('node:module');
const { join } = require('node:path');
const { Script } = require('node:vm');
const { cachePath, SCRIPT_NAME, wrap } = require('./script.js');

const [major, minor] = process.versions.node.split('.').map(Number);
const [first, ...others] = process.argv.slice(2);

if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `error: mlops needs Node 20.19 or newer; this is ${process.version}\n` +
      'hint: install a current Node from https://nodejs.org, then run the same command\n',
  );
  process.exitCode = 2;
} else if (first === '--version' && others.length === 0) {
  const { version } = JSON.parse(readFileSync(join(__dirname, '../package.json'), 'utf8'));
  process.stdout.write(`${version}\n`);
} else {
  void run(join(__dirname, '../dist/main.cjs'));
}

async function run(main) {
  try {
    process.exitCode = await load(main).runProcess();
  } catch (error) {
    process.exitCode = explain(error, main);
  }
}

/** The exit code, after saying what is wrong; whatever reports errors could not be loaded either. */
function explain(error, main) {
  if (error?.code === 'EMFILE' || error?.code === 'ENFILE') {
    process.stderr.write(
      `error: ${error.path ?? 'a part of mlops'}: ${error.code}: too many open files\n` +
        'hint: raise the limit of open files (`ulimit -n`)\n',
    );
    return 6;
  }
  const missing = error?.code === 'MODULE_NOT_FOUND' || error?.code === 'ENOENT';
  if (!missing || existsSync(main)) throw error;
  process.stderr.write('error: mlops is not built\nhint: npm run build\n');
  return 70;
}

/**
 * The program. The build leaves its compiled code for its own version of Node, which saves a third of the start-up time; newer
 * ones keep such a cache themselves.
 */
function load(path) {
  const require = nodeModule.createRequire(path);
  const cachedData = readIfPresent(cachePath(path));
  if (cachedData === undefined) {
    nodeModule.enableCompileCache?.();
    return require(path);
  }
  const module = { exports: {} };
  const script = new Script(wrap(readFileSync(path, 'latin1')), { filename: SCRIPT_NAME, cachedData });
  script.runInThisContext()(module.exports, require, module, path);
  return module.exports;
}

function readIfPresent(path) {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
