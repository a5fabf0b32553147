import { spawn, type ChildProcess } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
  openSync,
  closeSync,
} from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A real S3 server on loopback. */
export interface RealServer {
  name: 'SeaweedFS' | 'moto';
  endpoint: string;
  accessKeyId: string;
  secretAccessKey: string;
  /** What the server was measured to do; tests of these features run only where they mean something. */
  verifiesSignatures: boolean;
  verifiesChecksums: boolean;
  close(): Promise<void>;
}

const CREDENTIALS = { accessKeyId: 'interop-key', secretAccessKey: 'interop-secret' };
const READY_WITHIN_MS = 120_000;

/** Ports that were free a moment ago, all different. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}

interface Launch {
  program: string;
  args: readonly string[];
  directory: string;
  endpoint: string;
}

/** Starts a server and waits until it answers HTTP. @throws Error with the end of its log when it ends or stays silent */
async function launch({ program, args, directory, endpoint }: Launch): Promise<() => Promise<void>> {
  if (!existsSync(program)) throw new Error(`${program} is not installed`);
  const log = join(directory, 'log');
  const descriptor = openSync(log, 'w');
  const child = spawn(program, args, { cwd: directory, stdio: ['ignore', descriptor, descriptor] });
  closeSync(descriptor);
  let failure: Error | undefined;
  child.on('error', (error) => (failure = error));
  const stop = async (): Promise<void> => {
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

async function answers(endpoint: string): Promise<boolean> {
  try {
    await (await fetch(endpoint, { signal: AbortSignal.timeout(5000) })).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = new Promise((done) => child.once('exit', done));
  child.kill('SIGTERM');
  const killer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(killer);
}

/** @param python interpreter of the virtual environment in which the servers are installed */
export async function startSeaweedFs(python: string): Promise<RealServer> {
  const directory = mkdtempSync(join(tmpdir(), 'mlops-seaweedfs-'));
  const identities = [
    {
      name: 'interop',
      credentials: [{ accessKey: CREDENTIALS.accessKeyId, secretKey: CREDENTIALS.secretAccessKey }],
      actions: ['Admin', 'Read', 'Write', 'List', 'Tagging'],
    },
  ];
  writeFileSync(join(directory, 's3.json'), JSON.stringify({ identities }));
  mkdirSync(join(directory, 'data'));
  const names = ['s3', 'master', 'volume', 'filer'];
  const ports = await freePorts(2 * names.length);
  const portArgs = names.flatMap((name, index) => [
    `-${name}.port=${ports[2 * index]}`,
    `-${name}.port.grpc=${ports[2 * index + 1]}`,
  ]);
  const endpoint = `http://127.0.0.1:${ports[0]}`;
  const args = [
    'server',
    '-dir=data',
    '-ip=127.0.0.1',
    '-ip.bind=127.0.0.1',
    '-s3',
    '-s3.config=s3.json',
    '-volume.max=20',
    '-master.volumeSizeLimitMB=256',
    ...portArgs,
  ];
  const close = await launch({ program: join(dirname(python), 'weed'), args, directory, endpoint });
  return {
    name: 'SeaweedFS',
    endpoint,
    ...CREDENTIALS,
    verifiesSignatures: true,
    verifiesChecksums: true,
    close,
  };
}

/** @param python interpreter of the virtual environment in which the servers are installed */
export async function startMoto(python: string): Promise<RealServer> {
  const directory = mkdtempSync(join(tmpdir(), 'mlops-moto-'));
  const [port] = await freePorts(1);
  const endpoint = `http://127.0.0.1:${port}`;
  const program = join(dirname(python), 'moto_server');
  const close = await launch({ program, args: ['-H', '127.0.0.1', '-p', String(port)], directory, endpoint });
  return {
    name: 'moto',
    endpoint,
    ...CREDENTIALS,
    verifiesSignatures: false,
    verifiesChecksums: false,
    close,
  };
}
