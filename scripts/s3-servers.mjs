// Starts real S3 servers on loopback, for the interoperability tests and the benchmark of transfers.
import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const CREDENTIALS = { accessKeyId: 'interop-key', secretAccessKey: 'interop-secret' };
const READY_WITHIN_MS = 120_000;

/** Ports that were free a moment ago, all different. */
async function freePorts(count) {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
      return server;
    }),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}

/**
 * Starts a server and waits until it answers HTTP.
 * @returns a function that ends it and removes its directory
 * @throws Error with the end of its log when it ends or stays silent
 */
async function launch({ program, args, directory, endpoint }) {
  if (!existsSync(program)) throw new Error(`${program} is not installed`);
  const log = join(directory, 'log');
  const descriptor = openSync(log, 'w');
  const child = spawn(program, args, { cwd: directory, stdio: ['ignore', descriptor, descriptor] });
  closeSync(descriptor);
  let failure;
  child.on('error', (error) => (failure = error));
  const stop = async () => {
    await end(child);
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  };
  const until = performance.now() + READY_WITHIN_MS;
  for (;;) {
    if (await answers(endpoint)) return stop;
    const ended = failure !== undefined || child.exitCode !== null || child.signalCode !== null;
    if (ended || performance.now() > until) {
      const words = `${failure?.message ?? ''}\n${readFileSync(log, 'utf8').slice(-2000)}`;
      await stop();
      throw new Error(`${program} ${ended ? 'ended' : 'did not answer'} before it was ready:${words}`);
    }
    await delay(100);
  }
}

async function answers(endpoint) {
  try {
    await (await fetch(endpoint, { signal: AbortSignal.timeout(5000) })).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = new Promise((done) => child.once('exit', done));
  child.kill('SIGTERM');
  const killer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(killer);
}

/** See s3-servers.d.mts. */
export async function startSeaweedFs(python) {
  const directory = mkdtempSync(join(tmpdir(), 'mlops-seaweedfs-'));
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = CREDENTIALS;
  const actions = ['Admin', 'Read', 'Write', 'List', 'Tagging'];
  const identities = [{ name: 'interop', credentials: [{ accessKey, secretKey }], actions }];
  writeFileSync(join(directory, 's3.json'), JSON.stringify({ identities }));
  mkdirSync(join(directory, 'data'));
  const names = ['s3', 'master', 'volume', 'filer'];
  const ports = await freePorts(2 * names.length + 1);
  const portArgs = names.flatMap((name, index) => [
    `-${name}.port=${ports[2 * index]}`,
    `-${name}.port.grpc=${ports[2 * index + 1]}`,
  ]);
  const endpoint = `http://127.0.0.1:${ports[0]}`;
  const metrics = `http://127.0.0.1:${ports.at(-1)}/metrics`;
  const args = [
    'server',
    '-dir=data',
    '-ip=127.0.0.1',
    '-ip.bind=127.0.0.1',
    '-s3',
    '-s3.config=s3.json',
    '-volume.max=60',
    '-master.volumeSizeLimitMB=256',
    // These listen at fixed ports otherwise, so that a second server could not start.
    '-s3.port.iceberg=0',
    '-s3.port.lance=0',
    '-metricsIp=127.0.0.1',
    `-metricsPort=${ports.at(-1)}`,
    ...portArgs,
  ];
  const close = await launch({ program: join(dirname(python), 'weed'), args, directory, endpoint });
  return {
    name: 'SeaweedFS',
    endpoint,
    metrics,
    ...CREDENTIALS,
    verifiesSignatures: true,
    verifiesChecksums: true,
    close,
  };
}

/** See s3-servers.d.mts. */
export async function startMoto(python) {
  const directory = mkdtempSync(join(tmpdir(), 'mlops-moto-'));
  const [port] = await freePorts(1);
  const endpoint = `http://127.0.0.1:${port}`;
  const program = join(dirname(python), 'moto_server');
  const close = await launch({ program, args: ['-H', '127.0.0.1', '-p', String(port)], directory, endpoint });
  return {
    name: 'moto',
    endpoint,
    metrics: undefined,
    ...CREDENTIALS,
    verifiesSignatures: false,
    verifiesChecksums: false,
    close,
  };
}
