import { Agent as HttpsAgent, get as httpsGet } from 'node:https';
import { once } from 'node:events';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { failure, sdkClient, testServer } from './client.ts';

const BYTES = Buffer.alloc(500_000, 'x');

async function proxied() {
  const server = await testServer();
  server.objects.put('k', BYTES);
  const proxy = await startFaultProxy({ target: server.endpoint });
  onTestFinished(() => proxy.close());
  const client = sdkClient(server, { endpoint: proxy.endpoint });
  const read = async () => {
    const got = await client.send(new GetObjectCommand({ Bucket: server.bucket, Key: 'k' }));
    return Buffer.from((await got.Body?.transformToByteArray()) ?? []);
  };
  const write = (Body: Buffer) =>
    client.send(new PutObjectCommand({ Bucket: server.bucket, Key: 'new', Body }));
  return { server, proxy, client, read, write };
}

describe('the proxy', () => {
  test('passes everything on and counts it', async () => {
    const { server, proxy, read, write } = await proxied();
    expect((await read()).equals(BYTES)).toBe(true);
    await write(BYTES);
    expect((await server.objects.get('new'))?.equals(BYTES)).toBe(true);
    // The SDK kept its connection.
    expect(proxy.connections).toHaveLength(1);
    expect(proxy.connections[0]?.down).toBeGreaterThan(BYTES.length);
    expect(proxy.connections[0]?.up).toBeGreaterThan(BYTES.length);
  });

  test.each(['reset', 'truncate'] as const)('%s ends a connection after so many bytes', async (type) => {
    const { proxy, read, write, server } = await proxied();
    const rule = proxy.add({ direction: 'down', fault: { type, afterBytes: 100_000 } });
    await expect(read()).rejects.toThrow(/aborted|ECONNRESET/);
    expect(proxy.connections[0]?.down).toBe(100_000);
    rule.remove();
    proxy.add({ direction: 'up', fault: { type, afterBytes: 50_000 } });
    expect(await failure(write(BYTES))).toMatch(/ECONNRESET|EPIPE|TimeoutError/);
    expect(proxy.connections[1]?.up).toBe(50_000);
    expect(server.objects.keys()).toEqual(['k']);
    proxy.clear();
    expect((await read()).equals(BYTES)).toBe(true);
  });

  test('strikes the connection it is told to', async () => {
    const { proxy, read } = await proxied();
    proxy.add({ connection: 2, fault: { type: 'refuse' } });
    proxy.add({ connection: 1, direction: 'down', fault: { type: 'reset', afterBytes: 1000 } });
    await expect(read()).rejects.toThrow(/aborted|ECONNRESET/);
    await expect(read()).rejects.toThrow(/ECONNRESET|hang up/);
    expect((await read()).equals(BYTES)).toBe(true);
    expect(proxy.connections).toHaveLength(3);
  });

  test('holds back in a black hole, and lets go when that is removed', async () => {
    const { proxy, read } = await proxied();
    const hole = proxy.add({ direction: 'down', fault: { type: 'blackhole', afterBytes: 1000 } });
    const pending = read();
    await proxy.waitFor(({ down }) => down === 1000);
    hole.remove();
    expect((await pending).equals(BYTES)).toBe(true);
  });

  test('delays and drips without changing anything', async () => {
    const { proxy, read, write, server } = await proxied();
    proxy.add({ fault: { type: 'latency', ms: 1 } });
    proxy.add({ direction: 'down', fault: { type: 'drip', bytes: 50_000, intervalMs: 1 } });
    expect((await read()).equals(BYTES)).toBe(true);
    await write(BYTES);
    expect((await server.objects.get('new'))?.equals(BYTES)).toBe(true);
  });

  test('drips as slowly as it is told', async () => {
    const { proxy, read } = await proxied();
    proxy.add({ direction: 'down', fault: { type: 'drip', bytes: 7, intervalMs: 3_600_000 } });
    const pending = read();
    await proxy.waitFor(({ down }) => down === 7);
    await proxy.close();
    await expect(pending).rejects.toThrow(/ECONNRESET|hang up/);
    expect(proxy.connections[0]?.down).toBe(7);
  });

  test('is not there while it does not listen, and comes back on its port', async () => {
    const { proxy, read } = await proxied();
    await proxy.stopListening();
    await expect(read()).rejects.toThrow(/ECONNREFUSED/);
    await proxy.listen();
    expect((await read()).equals(BYTES)).toBe(true);
  });
});

describe('the server with TLS', () => {
  test('is trusted by nobody but who is given its certificate', async () => {
    const server = await testServer({ tls: true });
    server.objects.put('k', 'bytes');
    const get = new GetObjectCommand({ Bucket: server.bucket, Key: 'k' });
    expect(server.endpoint).toMatch(/^https:/);
    expect(await failure(sdkClient(server).send(get))).toMatch(/SELF_SIGNED_CERT/);
    expect(server.log.all()).toEqual([]);
    const httpsAgent = new HttpsAgent({ ca: server.certificate });
    const got = await sdkClient(server, { requestHandler: { httpsAgent } }).send(get);
    expect(await got.Body?.transformToString()).toBe('bytes');
    // The certificate is one for this address and no other.
    const elsewhere = httpsGet({
      host: '127.0.0.1',
      port: server.port,
      servername: 'other.test',
      ca: server.certificate,
    });
    await expect(once(elsewhere, 'response')).rejects.toThrow(/other\.test/);
  });
});
