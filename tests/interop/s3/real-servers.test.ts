import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { startMoto, startSeaweedFs, type RealS3Server } from '../../../scripts/s3-servers.mjs';

describe.each([
  ['SeaweedFS', startSeaweedFs],
  ['moto', startMoto],
])('%s', (_name, start) => {
  let server: RealS3Server;
  beforeAll(async () => {
    server = await start(inject('s3Python'));
  });
  afterAll(() => server?.close());

  test('answers', async () => {
    const response = await fetch(server.endpoint);
    await response.arrayBuffer();
    expect(response.status).toBeGreaterThan(0);
  });
});
