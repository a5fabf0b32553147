import {
  CreateBucketCommand,
  DeleteObjectsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
import { prepareInteropEnvironment } from '../../scripts/interop-venv.mjs';
import { startSeaweedFs } from '../../scripts/s3-servers.mjs';

export const BUCKET = 'bench-transfer';

/**
 * SeaweedFS on loopback, for the time that `use` takes. What is measured and what it is held against talk to the same process.
 * @param use gets the server with `env` for clients of S3, and `counted(run)`
 */
export async function withServer(bench, use) {
  const server = await startSeaweedFs(prepareInteropEnvironment('s3'));
  try {
    const client = new Client(bench, server);
    await client.open();
    return await use(client);
  } finally {
    await server.close();
  }
}

class Client {
  /** Those of `rclone` and `aws` that are installed. */
  clients = [];
  #bench;
  #server;
  #s3;

  constructor(bench, server) {
    this.#bench = bench;
    this.#server = server;
    this.env = {
      AWS_ACCESS_KEY_ID: server.accessKeyId,
      AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_REGION: 'us-east-1',
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_REQUEST_CHECKSUM_CALCULATION: 'when_required',
      AWS_RESPONSE_CHECKSUM_VALIDATION: 'when_required',
      RCLONE_CONFIG: '/dev/null',
      RCLONE_CONFIG_BENCH_TYPE: 's3',
      RCLONE_CONFIG_BENCH_PROVIDER: 'Other',
      RCLONE_CONFIG_BENCH_ENV_AUTH: 'true',
      RCLONE_CONFIG_BENCH_REGION: 'us-east-1',
      RCLONE_CONFIG_BENCH_ENDPOINT: server.endpoint,
      RCLONE_CONFIG_BENCH_FORCE_PATH_STYLE: 'true',
      RCLONE_CONFIG_BENCH_NO_CHECK_BUCKET: 'true',
    };
  }

  /** Makes the bucket and finds out which other clients are installed. */
  async open() {
    const { accessKeyId, secretAccessKey } = this.#server;
    this.#s3 = new S3Client({
      endpoint: this.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
    });
    await this.#s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
    for (const [name, argv] of Object.entries({ rclone: ['rclone', 'version'], aws: ['aws', '--version'] })) {
      if ((await this.#bench.runner.tryRun(argv)).code === 0) this.clients.push(name);
    }
    if (this.clients.length === 0) throw new Error('neither rclone nor the AWS CLI is installed');
  }

  get endpoint() {
    return this.#server.endpoint;
  }

  aws(args, options = {}) {
    return this.#bench.run(['aws', '--endpoint-url', this.endpoint, ...args], { ...options, env: this.env });
  }

  rclone(args, options = {}) {
    return this.#bench.run(['rclone', '--transfers=16', '--checkers=16', ...args], {
      ...options,
      env: this.env,
    });
  }

  /** Where rclone finds a prefix of the bucket. */
  rclonePath(prefix) {
    return `bench:${BUCKET}/${prefix}`;
  }

  url(prefix) {
    return `s3://${BUCKET}/${prefix}`;
  }

  mlops(repository, args, options = {}) {
    return this.#bench.mlops(repository, args, { ...options, env: this.env });
  }

  async addRemote(repository, name) {
    await this.mlops(repository, [
      'remote',
      'add',
      name,
      this.url(name),
      '--endpoint',
      this.endpoint,
      '--region',
      'us-east-1',
    ]);
  }

  /** Removes everything below a prefix. */
  async empty(prefix) {
    const place = { Bucket: BUCKET, Prefix: `${prefix}/` };
    for (;;) {
      const { Contents = [] } = await this.#s3.send(new ListObjectsV2Command(place));
      if (Contents.length === 0) return;
      const Objects = Contents.map(({ Key }) => ({ Key }));
      await this.#s3.send(new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { Objects, Quiet: true } }));
    }
  }

  /** What the server counted while `run` ran: `requests`, and bytes of bodies `received` and `sent` by it. */
  async counted(run) {
    const before = await this.#counters();
    const result = await run();
    const after = await this.#counters();
    const difference = (name) => after[name] - before[name];
    return {
      ...result,
      requests: difference('requests'),
      received: difference('received'),
      sent: difference('sent'),
    };
  }

  async #counters() {
    const text = await (await fetch(this.#server.metrics)).text();
    const sum = (name) =>
      text
        .split('\n')
        .filter((line) => line.startsWith(`${name}{`))
        .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
    return {
      requests: sum('SeaweedFS_s3_request_total'),
      received: sum('SeaweedFS_s3_bucket_traffic_received_bytes_total'),
      sent: sum('SeaweedFS_s3_bucket_traffic_sent_bytes_total'),
    };
  }
}
