import { chmodSync, existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BIN, mlops, mustRun, startMlops, type Finished } from '../support/binary.ts';
import { tempGitRepo, type TempGitRepo } from '../support/temp-repo.ts';

interface Listed {
  id: string;
  name: string;
  status: string;
  exitCode: number | null;
  reason: string | null;
  experiment: string;
  params: Record<string, string>;
  metrics: Record<string, number | null>;
  nonFinite: Record<string, string>;
  tags: Record<string, string>;
  git: { commit: string; dirty: boolean } | null;
  entryPoint: string | null;
}

async function project(): Promise<
  TempGitRepo & { run(...words: string[]): Promise<Finished>; list(): Promise<Listed[]> }
> {
  const repo = await tempGitRepo({ files: { 'README.md': 'a project\n' } });
  const options = { cwd: repo.root, env: { ...repo.env, MLOPS_BIN: BIN, NODE: process.execPath } };
  await mustRun(['init'], options);
  return {
    ...repo,
    run: (...words) => mlops(words, options),
    async list() {
      const { stdout } = await mustRun(['runs', 'list', '--limit', '0', '--json'], options);
      return (JSON.parse(stdout) as { data: { runs: Listed[] } }).data.runs;
    },
  };
}

async function until(isDone: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 400; tries += 1) {
    if (await isDone()) return;
    await delay(25);
  }
  throw new Error('it did not come to that');
}

describe('mlops run', () => {
  test('passes output, input, arguments and exit code, and records all of it', async () => {
    const repo = await project();
    await repo.write('train.sh', '#!/bin/sh\necho "out $1"\necho "err" >&2\nexit 7\n');
    chmodSync(join(repo.root, 'train.sh'), 0o755);
    await repo.git('add', 'train.sh');
    await repo.git('commit', '-q', '-m', 'train');
    const done = await repo.run(
      'run',
      '--experiment',
      'fraud',
      '--param',
      'depth=10',
      '--tag',
      'team=risk',
      '--',
      './train.sh',
      'two words',
    );
    expect(done.code).toBe(7);
    expect(done.stdout).toBe('out two words\n');
    expect(done.stderr).toMatch(
      /^run [a-z]+-[a-z]+-\d+ \([0-9a-f]{12}\) of the experiment fraud\nerr\nrun .* FAILED after \d+s, exit code 7\n$/,
    );
    const [run] = await repo.list();
    expect(run).toMatchObject({
      status: 'FAILED',
      exitCode: 7,
      experiment: 'fraud',
      params: { depth: '10' },
      tags: { team: 'risk' },
      entryPoint: './train.sh',
      git: { commit: await repo.git('rev-parse', 'HEAD'), dirty: false },
    });
    const output = await repo.run('runs', 'output', run?.id ?? '', '--stderr');
    expect(output.stdout).toBe('err\n');
    // Git does not see runs.
    expect(await repo.git('status', '--porcelain', '--untracked-files=all')).not.toContain('runs/');
  });

  test('with --json prints one document, and the output of the command goes to stderr', async () => {
    const repo = await project();
    const { stdout, stderr, code } = await repo.run('run', '--json', '--', 'echo', 'hello');
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as { data: { exitCode: number } }).data).toMatchObject({
      exitCode: 0,
      run: { status: 'FINISHED' },
    });
    expect(stderr).toBe('hello\n');
  });

  test.each([
    [['no-such-program'], 127, 'there is no such program'],
    [['./README.md'], 126, "it can't be started"],
    [['sh', '-c', 'kill -9 $$'], 137, 'KILLED'],
    [['sh', '-c', 'exit 255'], 255, 'FAILED'],
  ])('%j ends with %i', async (command, code, text) => {
    const repo = await project();
    const done = await repo.run('run', '--', ...command);
    expect(done.code).toBe(code);
    expect(done.stderr).toContain(text);
    expect((await repo.list())[0]).toMatchObject({
      exitCode: code,
      status: text === 'KILLED' ? 'KILLED' : 'FAILED',
    });
  });

  test('binary output passes byte for byte', async () => {
    const repo = await project();
    const script = 'process.stdout.write(Buffer.from([0, 255, 254, 128, 10, 195]))';
    await repo.run('run', '--name', 'bytes', '--', process.execPath, '-e', script);
    const [month = ''] = readdirSync(join(repo.root, '.mlops/runs')).filter((name) => /^\d{4}-/.test(name));
    const [id = ''] = readdirSync(join(repo.root, '.mlops/runs', month));
    expect([...readFileSync(join(repo.root, '.mlops/runs', month, id, 'stdout.log'))]).toEqual([
      0, 255, 254, 128, 10, 195,
    ]);
  });

  test('mlops log works inside, from another directory too', async () => {
    const repo = await project();
    await repo.write('out/model.txt', 'weights');
    await repo.write(
      'train.sh',
      `set -e
mlops() { "$NODE" "$MLOPS_BIN" "$@"; }
root=$PWD
cd /
mlops log metric loss=0.5 acc=nan --step 1
mlops log metric loss=0.25 --step 2
mlops log param lr=0.1
mlops log tag note=hello
mlops log artifact "$root/out" --to models
mlops log data train="$root/out/model.txt"
`,
    );
    const done = await repo.run('run', '--', 'sh', 'train.sh');
    expect(done.stderr).toContain('FINISHED');
    const [run] = await repo.list();
    expect(run).toMatchObject({
      metrics: { loss: 0.25, acc: null },
      nonFinite: { acc: 'NaN' },
      params: { lr: '0.1' },
      tags: { note: 'hello' },
      git: { dirty: false },
    });
    const shown = await repo.run('runs', 'show', run?.id ?? '', '--json');
    const { data } = JSON.parse(shown.stdout) as { data: { artifacts: unknown; inputs: unknown } };
    expect(data.artifacts).toEqual([{ path: 'models/out/model.txt', size: 7 }]);
    expect(data.inputs).toMatchObject([{ name: 'out/model.txt', role: 'train' }]);
    const twice = await repo.run('log', 'param', 'lr=0.2', '--run', run?.id ?? '', '--json');
    expect(twice.code).toBe(5);
    expect(twice.stderr).toContain('PARAM_EXISTS');
  });

  test('offers an endpoint for MLflow code with a token, as long as the command runs', async () => {
    const repo = await project();
    writeFileSync(
      join(repo.root, 'client.mjs'),
      `const { MLFLOW_TRACKING_URI: uri, MLFLOW_TRACKING_TOKEN: token, MLFLOW_RUN_ID: run_id } = process.env;
       const body = JSON.stringify({ run_id, key: 'loss', value: 0.5, timestamp: Date.now(), step: 1 });
       const log = (headers) => fetch(uri + '/api/2.0/mlflow/runs/log-metric', { method: 'POST', body, headers });
       const type = { 'content-type': 'application/json' };
       const refused = await log(type);
       const done = await log({ ...type, authorization: 'Bearer ' + token });
       const { MLFLOW_EXPERIMENT_NAME: experiment, MLOPS_RUN_ID: id } = process.env;
       console.log(JSON.stringify({ uri, run_id, id, experiment, statuses: [refused.status, done.status] }));`,
    );
    const words = ['--experiment', 'fraud', '--', process.execPath, 'client.mjs'];
    const { code, stdout } = await repo.run('run', ...words);
    const [run] = await repo.list();
    const said = JSON.parse(stdout) as { uri: string };
    expect(code).toBe(0);
    expect(said).toMatchObject({ run_id: run?.id, id: run?.id, experiment: 'fraud', statuses: [401, 200] });
    expect(said.uri).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(run).toMatchObject({ status: 'FINISHED', metrics: { loss: 0.5 } });
    await expect(fetch(said.uri)).rejects.toThrow('fetch failed');
    const none = await repo.run(
      'run',
      '--no-endpoint',
      '--',
      process.execPath,
      '-p',
      'process.env.MLFLOW_TRACKING_URI',
    );
    expect(none.stdout).toBe('undefined\n');
  });

  test('many processes that log at once lose nothing', async () => {
    const repo = await project();
    const script = `for i in 1 2 3 4 5 6 7 8; do "$NODE" "$MLOPS_BIN" log metric loss=$i --step $i -q & done; wait`;
    const done = await repo.run('run', '--name', 'busy', '--', 'sh', '-c', script);
    expect(done.code).toBe(0);
    const { stdout } = await repo.run('runs', 'plot', 'busy', '--metric', 'loss', '--json');
    const { metrics } = (JSON.parse(stdout) as { data: { metrics: { series: { points: unknown }[] }[] } })
      .data;
    expect(metrics[0]?.series[0]?.points).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((n) => [n, n]));
  });

  test('what is not committed is kept, unless it holds a secret', async () => {
    const repo = await project();
    await repo.write('README.md', 'changed\n');
    await repo.run('run', '--name', 'dirty', '--', 'true');
    const got = await repo.run('runs', 'artifacts', 'dirty', 'source/changes.patch', '-o', 'changes.patch');
    expect(got.code).toBe(0);
    expect(await repo.read('changes.patch')).toContain('+changed');
    await repo.write('README.md', `token = ghp_${'a1B2c3D4e5F6'.repeat(3)}\n`);
    const done = await repo.run('run', '--name', 'secret', '--', 'true');
    expect(done.stderr).toContain('were not kept, as they hold what looks like a GitHub token');
    expect((await repo.run('runs', 'artifacts', 'secret')).stdout).toBe('secret has no such artifacts\n');
    await repo.run('run', '--name', 'without', '--no-diff', '--', 'true');
    expect((await repo.run('runs', 'artifacts', 'without')).stdout).toBe('without has no such artifacts\n');
  });

  test('files of metrics and artifacts are picked up', async () => {
    const repo = await project();
    await repo.write('stale.json', '{"old": 1}');
    const past = new Date(Date.now() - 60_000);
    utimesSync(join(repo.root, 'stale.json'), past, past);
    const script = `mkdir -p live/plots/metrics out
echo '{"auc": 0.9}' > metrics.json
printf 'step\\tacc\\n0\\t0.5\\n1\\t0.75\\n' > live/plots/metrics/acc.tsv
echo 'lr: 0.1' > live/params.yaml
echo x > out/model`;
    const options = '--metrics metrics.json --metrics stale.json --dvclive live --artifact model=out'.split(
      ' ',
    );
    const done = await repo.run('run', ...options, '--', 'sh', '-c', script);
    expect(done.stderr).toContain('stale.json: was not written by this command');
    const [run] = await repo.list();
    expect(run).toMatchObject({ metrics: { auc: 0.9, acc: 0.75 }, params: { lr: '0.1' } });
    const { stdout } = await repo.run('runs', 'artifacts', run?.id ?? '');
    expect(stdout).toContain('model/model');
  });

  test('secrets of the environment and of the command line reach no file', async () => {
    const repo = await project();
    const secret = 'correct-horse-9battery';
    const env = { ...repo.env, DB_PASSWORD: secret, AWS_SECRET_ACCESS_KEY: secret };
    await mlops(['run', '--', 'sh', '-c', 'true', '--password', secret], { cwd: repo.root, env });
    const files = readdirSync(join(repo.root, '.mlops'), {
      recursive: true,
      encoding: 'utf8',
      withFileTypes: true,
    });
    for (const file of files.filter((each) => each.isFile()))
      expect(readFileSync(join(file.parentPath, file.name)).includes(secret)).toBe(false);
    expect((await repo.list())[0]?.status).toBe('FINISHED');
  });
});

describe.skipIf(process.platform === 'win32')('signals', () => {
  const TRAP = `trap 'echo got it; exit 3' TERM INT; touch started; while :; do sleep 0.05; done`;

  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s is passed on, and the command decides what becomes of it',
    async (signal) => {
      const repo = await project();
      const running = startMlops(['run', '--', 'sh', '-c', TRAP], { cwd: repo.root, env: repo.env });
      await until(() => existsSync(join(repo.root, 'started')));
      process.kill(running.pid, signal);
      const { code, stdout } = await running.finished;
      expect([code, stdout]).toEqual([3, 'got it\n']);
      expect((await repo.list())[0]).toMatchObject({ status: 'KILLED', exitCode: 3 });
    },
  );

  test('a command without a handler is ended, and the run is killed', async () => {
    const repo = await project();
    const script = 'touch started; exec sleep 60';
    const running = startMlops(['run', '--', 'sh', '-c', script], { cwd: repo.root, env: repo.env });
    await until(() => existsSync(join(repo.root, 'started')));
    process.kill(running.pid, 'SIGTERM');
    expect((await running.finished).code).toBe(143);
    expect((await repo.list())[0]).toMatchObject({ status: 'KILLED', reason: 'ended by SIGTERM' });
  });

  test('kill -9 loses nothing that was logged, and the next reader finds that the run failed', async () => {
    const repo = await project();
    const script = `echo started; for i in 1 2 3; do "$NODE" "$MLOPS_BIN" log metric loss=$i --step $i -q; done; touch logged; exec sleep 60`;
    const env = { ...repo.env, MLOPS_BIN: BIN, NODE: process.execPath };
    const running = startMlops(['run', '--name', 'doomed', '--', 'sh', '-c', script], {
      cwd: repo.root,
      env,
    });
    await until(() => existsSync(join(repo.root, 'logged')));
    running.child.kill('SIGKILL');
    await running.finished;
    const [run] = await repo.list();
    expect(run).toMatchObject({ name: 'doomed', status: 'FAILED', exitCode: null, metrics: { loss: 3 } });
    expect(run?.reason).toMatch(/which answered for it, ended without a word/);
    expect((await repo.run('runs', 'output', 'doomed')).stdout).toBe('started\n');
    const plot = await repo.run('runs', 'plot', 'doomed', '--metric', 'loss', '--json');
    expect((JSON.parse(plot.stdout) as { data: { metrics: unknown } }).data.metrics).toMatchObject([
      {
        key: 'loss',
        series: [
          {
            points: [
              [1, 1],
              [2, 2],
              [3, 3],
            ],
          },
        ],
      },
    ]);
    expect((await repo.run('verify')).code).toBe(0);
  });
});

test('a full disk does not end the command', async (ctx) => {
  const repo = await project();
  const prlimit = await mlops(['--version'], {
    cwd: repo.root,
    env: repo.env,
    through: ['prlimit', '--version'],
  }).catch(() => undefined);
  if (prlimit === undefined) ctx.skip('there is no prlimit');
  writeFileSync(
    join(repo.root, 'big.sh'),
    'i=0; while [ $i -lt 2000 ]; do echo "line $i of a long output"; i=$((i+1)); done; exit 5\n',
  );
  const done = await mlops(['run', '--', 'sh', 'big.sh'], {
    cwd: repo.root,
    env: repo.env,
    through: ['prlimit', '--fsize=20000'],
  });
  expect(done.code).toBe(5);
  expect(done.stdout.split('\n')).toHaveLength(2001);
  expect(done.stderr).toContain('the output is no longer captured');
  expect((await repo.list())[0]).toMatchObject({ exitCode: 5, status: 'FAILED' });
});
