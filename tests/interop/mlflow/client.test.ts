import { execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, inject, onTestFinished, test } from 'vitest';
import { tempGitRepo, type TempGitRepo } from '../../support/temp-repo.ts';

const binary = fileURLToPath(new URL('../../../bin/mlops.js', import.meta.url));
const script = fileURLToPath(new URL('client.py', import.meta.url));

async function started({ root, env }: TempGitRepo): Promise<string> {
  const server = spawn(process.execPath, [binary, 'server', '--port', '0'], {
    cwd: root,
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(() => {
    server.kill();
  });
  let said = '';
  for await (const piece of server.stderr) {
    said += String(piece);
    const url = /Serving at (http:\S+)/.exec(said)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error(`the server ended: ${said}`);
}

test.each(['mlflow2Python', 'mlflow3Python'] as const)(
  'what scripts do with MLflow works: %s',
  { timeout: 180_000 },
  async (python) => {
    const repo = await tempGitRepo({ files: { 'README.md': 'a project\n' } });
    await promisify(execFile)(process.execPath, [binary, 'init'], { cwd: repo.root, env: repo.env });
    const url = await started(repo);
    const { stdout } = await promisify(execFile)(inject(python), [script], {
      cwd: repo.root,
      env: {
        ...repo.env,
        MLFLOW_TRACKING_URI: url,
        MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0',
        HOME: join(repo.root, '..'),
      },
    });
    expect(stdout).toContain('everything went as it does');
  },
);
