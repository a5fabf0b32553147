import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  assertAddressAllowed,
  parseEndpoint,
  parseRemote,
  parseRemoteUrl,
} from '../../src/config/remote-url.ts';
import { linkLocalAddress } from '../../src/lib/link-local.ts';

const INVALID = expect.objectContaining({ code: 'REMOTE_URL_INVALID', exitCode: 2 }) as Error;

describe('the URL of a remote', () => {
  it.each([
    ['s3://models', { kind: 's3', bucket: 'models', prefix: '' }],
    ['s3://models/', { kind: 's3', bucket: 'models', prefix: '' }],
    ['S3://models/prod', { kind: 's3', bucket: 'models', prefix: 'prod' }],
    ['s3://my.bucket-1/a/b c/ü/', { kind: 's3', bucket: 'my.bucket-1', prefix: 'a/b c/ü' }],
    ['/mnt/share', { kind: 'directory', path: '/mnt/share' }],
    ['/mnt/share//models/', { kind: 'directory', path: '/mnt/share/models' }],
    ['/mnt/with space@host', { kind: 'directory', path: '/mnt/with space@host' }],
    ['file:///mnt/my%20share', { kind: 'directory', path: '/mnt/my share' }],
  ])('%s is understood', (url, expected) => {
    expect(parseRemoteUrl(url)).toEqual(expected);
  });

  it.each([
    's3://',
    's3:///prefix',
    's3://ab',
    `s3://${'a'.repeat(64)}`,
    's3://Models/prod',
    's3://my_bucket',
    's3://-models',
    's3://a..b',
    's3://192.168.0.1',
    's3://xn--models',
    's3://models--x-s3',
    's3://models-s3alias',
    's3://key:secret@models/prod',
    's3://models/prod?versionId=1',
    's3://models/prod#x',
    's3://models/a//b',
    's3://models/../other',
    's3://models/./x',
    's3://models/a\\b',
    's3://models/a\nb',
    's3://models/a\u0085b',
    `s3://models/${'x'.repeat(600)}`,
    'https://models.s3.amazonaws.com',
    'gs://models',
    'ext::sh -c x',
    'relative/path',
    './here',
    '',
    'file://host/share',
    'file:relative',
    'file:///a%00b',
    'file:///a?x',
    '/mnt/a\u0000b',
  ])('%j is refused', (url) => {
    expect(() => parseRemoteUrl(url)).toThrow(INVALID);
  });

  it('never repeats a secret that was put into it', () => {
    for (const url of ['s3://AKIA:hunter2@models/x', 'https://user:hunter2@host/x']) {
      expect(() => parseRemoteUrl(url)).toThrow(/^(?!.*hunter2)/);
    }
    expect(() => parseEndpoint('https://user:hunter2@host')).toThrow(/^(?!.*hunter2)/);
  });

  it('is understood or refused, whatever it is, and a prefix never leaves the bucket', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `s3://models/${text}`),
        ),
        (url) => {
          let parsed: ReturnType<typeof parseRemoteUrl>;
          try {
            parsed = parseRemoteUrl(url);
          } catch (error) {
            expect(error).toEqual(INVALID);
            return;
          }
          if (parsed.kind === 's3') expect(parsed.prefix.split('/')).not.toContain('..');
          else expect(parsed.path.startsWith('/')).toBe(true);
        },
      ),
    );
  });
});

describe('an endpoint', () => {
  it.each([
    ['https://s3.example.org', 'https://s3.example.org', false],
    ['https://s3.example.org/', 'https://s3.example.org', false],
    ['http://127.0.0.1:8333', 'http://127.0.0.1:8333', false],
    ['http://localhost:9000/s3/', 'http://localhost:9000/s3', false],
    ['http://[::1]:9000', 'http://[::1]:9000', false],
    ['http://minio:9000', 'http://minio:9000', true],
    ['http://10.0.0.1', 'http://10.0.0.1', true],
  ])('%s is understood', (text, url, readableOnTheWay) => {
    expect(parseEndpoint(text)).toMatchObject({ url, readableOnTheWay });
  });

  it.each([
    's3.example.org',
    'ftp://s3.example.org',
    'https:s3.example.org',
    'https://',
    'https://key:secret@s3.example.org',
    'https://s3.example.org?x=1',
    'https://s3.example.org/#x',
    'https://s3.example.org?',
    'https://s3.exa\nmple.org',
    'http://256.1.1.1',
  ])('%j is refused', (text) => {
    expect(() => parseEndpoint(text)).toThrow(INVALID);
  });

  it.each([
    'http://169.254.169.254',
    'http://169.254.0.1:80/latest',
    'http://2852039166',
    'http://0xA9FEA9FE',
    'http://0xA9.0xFE.0xA9.0xFE',
    'http://0251.0376.0251.0376',
    'http://169.254.43518',
    'http://169.254.169.254.',
    'http://[fe80::1]',
    'http://[febf::1]',
    'http://[fd00:ec2::254]',
    'http://[::ffff:169.254.169.254]',
    'http://[::ffff:a9fe:a9fe]',
    'http://[64:ff9b::169.254.169.254]',
    'https://①⑥⑨.254.169.254',
  ])('%s is a link-local address, which only a trusted remote may have', (endpoint) => {
    const remote = parseRemote({ url: 's3://models', endpoint });
    expect(() => assertAddressAllowed(remote, false)).toThrow(
      expect.objectContaining({ code: 'REMOTE_ADDRESS_REFUSED', exitCode: 4 }) as Error,
    );
    expect(() => assertAddressAllowed(remote, true)).not.toThrow();
  });

  it.each(['http://169.253.169.254', 'http://127.0.0.1', 'https://s3.example.org', 'http://[fec0::1]'])(
    '%s is none',
    (endpoint) => {
      expect(() => assertAddressAllowed(parseRemote({ url: 's3://models', endpoint }), false)).not.toThrow();
    },
  );

  it('names are no addresses', () => {
    expect(linkLocalAddress('169.254.169.254.example.org')).toBeUndefined();
    expect(linkLocalAddress('fe80::1%eth0')).toBe('fe80::1');
  });
});

describe('the settings of a remote', () => {
  it('put the bucket into the path where an endpoint is given, unless told otherwise', () => {
    const url = 's3://models/prod';
    const endpoint = 'https://s3.example.org';
    expect(parseRemote({ url })).toMatchObject({ pathStyle: false, endpoint: undefined });
    expect(parseRemote({ url, endpoint })).toMatchObject({ pathStyle: true });
    expect(parseRemote({ url, endpoint, pathStyle: false })).toMatchObject({ pathStyle: false });
  });

  it.each([
    [{ url: '/mnt/share', endpoint: 'https://s3.example.org' }, /a directory has no endpoint/],
    [{ url: '/mnt/share', region: 'eu-central-1' }, /a directory has no region/],
    [{ url: 's3://models', region: 'eu/../x' }, /is no region/],
    [{ url: 's3://models', region: 'evil.example.org#' }, /is no region/],
    [{ url: 's3://models', region: '' }, /is no region/],
    [{ url: 's3://models', profile: '' }, /is no name of a profile/],
    [{ url: 's3://models', profile: 'a]\n[b' }, /is no name of a profile/],
  ])('refuse %j', (settings, reason) => {
    expect(() => parseRemote(settings)).toThrow(INVALID);
    expect(() => parseRemote(settings)).toThrow(reason);
  });
});
