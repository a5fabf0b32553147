import { connect } from 'node:net';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { served, type Served } from './support.ts';

const ARTIFACTS = '/api/2.0/mlflow-artifacts/artifacts';

async function logged({ store }: Served, id: string): Promise<unknown> {
  const { metrics, params, tags } = await store.get(id);
  return { metrics: metrics.size, params: params.size, tags: tags.size };
}

const NOTHING = { metrics: 0, params: 0, tags: 0 };

describe('runs', () => {
  test('get what is logged in one batch, NaN and infinities by name', async () => {
    const server = await served();
    const id = await server.createRun();
    const metric = { timestamp: 1, step: 0 };
    const { status } = await server.post('runs/log-batch', {
      run_id: id,
      metrics: [
        { key: 'a', value: 'NaN', ...metric },
        { key: 'b', value: '-Infinity', ...metric },
        { key: 'c', value: 0.5, ...metric },
      ],
      params: [{ key: 'depth', value: '10' }],
    });
    expect(status).toBe(200);
    const { body } = await server.get(`runs/get?run_id=${id}`);
    expect(body).toMatchObject({
      run: {
        data: {
          metrics: [
            { key: 'a', value: 'NaN' },
            { key: 'b', value: '-Infinity' },
            { key: 'c', value: 0.5 },
          ],
          params: [{ key: 'depth', value: '10' }],
        },
      },
    });
  });

  test('are found by a filter, and a bad filter names the position', async () => {
    const server = await served();
    const [id, other] = [await server.createRun(), await server.createRun()];
    await server.post('runs/log-metric', { run_id: id, key: 'm', value: 0.9, timestamp: 1 });
    await server.post('runs/log-metric', { run_id: other, key: 'm', value: 0.1, timestamp: 1 });
    const found = await server.post('runs/search', { experiment_ids: ['0'], filter: 'metrics.m > 0.5' });
    expect(found.body['runs']).toMatchObject([{ info: { run_id: id } }]);
    const bad = await server.post('runs/search', { experiment_ids: ['0'], filter: 'metrics.m >' });
    expect(bad).toMatchObject({ status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE' } });
    expect(bad.body['message']).toContain('position 12');
  });

  test('keep a param as it was first logged', async () => {
    const server = await served();
    const run_id = await server.createRun();
    await server.post('runs/log-parameter', { run_id, key: 'k', value: '1' });
    expect((await server.post('runs/log-parameter', { run_id, key: 'k', value: '1' })).status).toBe(200);
    expect(await server.post('runs/log-parameter', { run_id, key: 'k', value: '2' })).toMatchObject({
      status: 400,
      body: { error_code: 'INVALID_PARAMETER_VALUE' },
    });
    expect((await server.store.get(run_id)).params.get('k')).toBe('1');
  });

  test('lose nothing when 32 clients log at once', async () => {
    const server = await served();
    const run_id = await server.createRun();
    const answers = await Promise.all(
      Array.from({ length: 320 }, (_, step) =>
        server.post('runs/log-metric', { run_id, key: `m${step % 32}`, value: step, timestamp: step, step }),
      ),
    );
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    const keys = Array.from({ length: 32 }, (_, index) => `m${index}`);
    const histories = await server.store.histories(run_id, keys);
    const steps = [...histories.values()].flatMap((points) => points.map(({ step }) => step));
    expect(steps.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 320 }, (_, step) => step));
  });
});

describe('bad input', () => {
  test.each([
    ['a body that is cut off', '{"run_id":', 'BAD_REQUEST'],
    ['a list', '[]', 'BAD_REQUEST'],
    ['a number for a text', { run_id: 5, key: 'a', value: 1, timestamp: 1 }, 'INVALID_PARAMETER_VALUE'],
    ['no key', { value: 1, timestamp: 1 }, 'INVALID_PARAMETER_VALUE'],
    ['a text for a number', { key: 'a', value: 'high', timestamp: 1 }, 'INVALID_PARAMETER_VALUE'],
    ['a key of 251', { key: 'k'.repeat(251), value: 1, timestamp: 1 }, 'INVALID_PARAMETER_VALUE'],
  ])('%s is refused, and nothing is written', async (_name, body, code) => {
    const server = await served();
    const run_id = await server.createRun();
    const whole = typeof body === 'string' ? body : { run_id, ...body };
    expect(await server.post('runs/log-metric', whole)).toMatchObject({
      status: 400,
      body: { error_code: code },
    });
    expect(await logged(server, run_id)).toEqual(NOTHING);
  });

  test.each([
    ['metrics', 1001, { key: 'm', value: 1, timestamp: 1 }],
    ['params', 101, { key: 'p', value: '1' }],
    ['tags', 101, { key: 't', value: '1' }],
  ])('more %s than a batch has is refused, and nothing is written', async (what, count, item) => {
    const server = await served();
    const run_id = await server.createRun();
    const items = Array.from({ length: count }, () => item);
    const answer = await server.post('runs/log-batch', { run_id, [what]: items });
    expect(answer).toMatchObject({ status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE' } });
    expect(await logged(server, run_id)).toEqual(NOTHING);
  });

  test('a batch of more than a megabyte is refused', async () => {
    const server = await served();
    const answer = await server.post('runs/log-batch', { run_id: 'x'.repeat(1_000_001) });
    expect(answer).toMatchObject({ status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE' } });
  });

  test('an unknown run does not exist, an unknown endpoint neither', async () => {
    const server = await served();
    expect(await server.get(`runs/get?run_id=${'f'.repeat(32)}`)).toMatchObject({
      status: 404,
      body: { error_code: 'RESOURCE_DOES_NOT_EXIST' },
    });
    expect(await server.send('POST', '/api/3.0/mlflow/traces', { body: {} })).toMatchObject({
      status: 404,
      body: { error_code: 'ENDPOINT_NOT_FOUND' },
    });
  });
});

describe('artifacts', () => {
  test('come back byte for byte, are listed by base name, and go', async () => {
    const server = await served();
    const place = `${ARTIFACTS}/0/${await server.createRun()}/artifacts`;
    expect((await server.send('PUT', `${place}/a%20dir/x.txt`, { body: 'hello' })).status).toBe(200);
    expect((await server.send('GET', `${place}/a%20dir/x.txt`)).text).toBe('hello');
    const directory = place.slice(ARTIFACTS.length + 1);
    const listed = await server.send('GET', `${ARTIFACTS}?path=${directory}/a%20dir`);
    expect(listed.body).toEqual({ files: [{ path: 'x.txt', is_dir: false, file_size: 5 }] });
    expect((await server.send('DELETE', `${place}/a%20dir/x.txt`)).status).toBe(200);
    expect((await server.send('GET', `${place}/a%20dir/x.txt`)).status).toBe(404);
  });

  test.each([
    '../x',
    '%2e%2e/x',
    '%252e%252e/x',
    '..%2fx',
    '..%5cx',
    '%2fetc/passwd',
    'a/%00b',
    'a/../../b',
    '%25252525252e%25252525252e/x',
    '.git/config',
  ])('are not written to %s', async (path) => {
    const server = await served();
    const id = await server.createRun();
    const answer = await server.send('PUT', `${ARTIFACTS}/0/${id}/artifacts/${path}`, { body: 'x' });
    expect(answer).toMatchObject({ status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE' } });
    expect(await server.store.artifacts(id).files()).toEqual([]);
  });

  test('of an upload that was cut off are not kept', async () => {
    const server = await served();
    const id = await server.createRun();
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.end(
      `PUT ${ARTIFACTS}/0/${id}/artifacts/cut.bin HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nabc`,
    );
    socket.resume();
    await once(socket, 'close');
    expect(await server.store.artifacts(id).files()).toEqual([]);
  });
});

describe('access', () => {
  const ZERO = '/api/2.0/mlflow/experiments/get?experiment_id=0';

  test.each([
    ['Host', { host: 'evil.example' }],
    ['Origin', { origin: 'http://evil.example' }],
    ['Origin', { origin: 'null' }],
  ])('is refused where %s names another server', async (_name, headers) => {
    const server = await served();
    expect((await server.send('GET', ZERO)).status).toBe(200);
    expect(await server.send('GET', ZERO, { headers })).toMatchObject({
      status: 403,
      body: { error_code: 'PERMISSION_DENIED' },
    });
  });

  test('needs the token where there is one', async () => {
    const server = await served({ token: 'a-token-of-the-test' });
    const asked = (authorization: string) =>
      server.send('GET', ZERO, { headers: { authorization } }).then(({ status }) => status);
    expect((await server.send('GET', ZERO)).status).toBe(401);
    expect(await asked('Bearer another')).toBe(401);
    expect(await asked('Bearer a-token-of-the-test')).toBe(200);
    expect(await asked(`Basic ${Buffer.from('me:a-token-of-the-test').toString('base64')}`)).toBe(200);
  });
});

describe('the registry', () => {
  test('makes a version of artifacts of a run, and an alias a stage with its event', async () => {
    const server = await served();
    const id = await server.createRun();
    await server.send('PUT', `${ARTIFACTS}/0/${id}/artifacts/model/MLmodel`, { body: 'flavors: {}\n' });
    await server.post('registered-models/create', { name: 'churn' });
    expect(await server.post('registered-models/create', { name: 'churn' })).toMatchObject({
      status: 400,
      body: { error_code: 'RESOURCE_ALREADY_EXISTS' },
    });
    const made = await server.post('model-versions/create', {
      name: 'churn',
      source: `mlflow-artifacts:/0/${id}/artifacts/model`,
      run_id: id,
    });
    expect(made.body).toMatchObject({ model_version: { version: '1', run_id: id, status: 'READY' } });
    await server.post('registered-models/alias', { name: 'churn', alias: 'champion', version: '1' });
    const byAlias = await server.get('registered-models/alias?name=churn&alias=champion');
    expect(byAlias.body).toMatchObject({ model_version: { version: '1', aliases: ['champion'] } });
    const { body } = await server.get('model-versions/get-download-uri?name=churn&version=1');
    const path = String(body['artifact_uri']).replace('mlflow-artifacts:/', '');
    expect((await server.send('GET', `${ARTIFACTS}/${path}/MLmodel`)).text).toBe('flavors: {}\n');
    const events = await server.repository.documents.readDirectory('models/churn/events');
    expect(events.map(({ name }) => name.split('-')[1])).toEqual(['saved', 'promoted']);
  });

  test('knows no version of another number', async () => {
    const server = await served();
    await server.post('registered-models/create', { name: 'churn' });
    expect(await server.get('model-versions/get?name=churn&version=7')).toMatchObject({
      status: 404,
      body: { error_code: 'RESOURCE_DOES_NOT_EXIST' },
    });
    expect((await server.get('model-versions/get?name=churn&version=1.2.0')).status).toBe(400);
  });
});
