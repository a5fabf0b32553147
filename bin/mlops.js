#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import * as nodeModule from 'node:module';

const [major, minor] = process.versions.node.split('.').map(Number);
const [first, ...others] = process.argv.slice(2);

if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `error: mlops needs Node 20.19 or newer; this is ${process.version}\n` +
      'hint: install a current Node from https://nodejs.org, then run the same command\n',
  );
  process.exitCode = 2;
} else if (first === '--version' && others.length === 0) {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  process.stdout.write(`${version}\n`);
} else {
  // Node 20 has no compile cache; where there is one it saves about a third of the start-up time.
  nodeModule.enableCompileCache?.();
  try {
    const { runProcess } = await import('../dist/main.js');
    process.exitCode = await runProcess();
  } catch (error) {
    // Whatever reports errors could not be loaded either.
    if (error?.code !== 'EMFILE' && error?.code !== 'ENFILE') throw error;
    process.stderr.write(
      `error: ${error.path ?? 'a part of mlops'}: ${error.code}: too many open files\n` +
        'hint: raise the limit of open files (`ulimit -n`)\n',
    );
    process.exitCode = 6;
  }
}
