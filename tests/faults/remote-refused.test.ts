import { describe, expect, test } from 'vitest';
import { sharedRepository } from '../support/fault-repository.ts';
import { remoteCase, type RemoteCase, type RemoteCaseOptions } from '../support/fault-remote.ts';

interface Refusal {
  what: string;
  options: RemoteCaseOptions;
  code: RegExp;
  /** Host and what is wrong. */
  message: RegExp;
  hint: RegExp;
  arrange?: (at: RemoteCase) => void;
}

const LOOPBACK = /in bucket "test-bucket" at 127\.0\.0\.1:\d+: /.source;

const REFUSALS: readonly Refusal[] = [
  {
    what: 'a bucket that does not exist',
    options: { bucket: 'other-bucket' },
    code: /^REMOTE_BUCKET_MISSING$/,
    message: /in bucket "other-bucket" at 127\.0\.0\.1:\d+: the bucket does not exist/,
    hint: /mlops remote list/,
  },
  {
    what: 'no credentials',
    options: { env: { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined } },
    code: /^REMOTE_NO_CREDENTIALS$/,
    message: new RegExp(`${LOOPBACK}no credentials`),
    hint: /AWS_PROFILE/,
  },
  {
    what: 'the credentials of somebody else',
    options: { env: { AWS_SECRET_ACCESS_KEY: 'not-the-one' } },
    code: /^REMOTE_CREDENTIALS_REFUSED$|^REMOTE_FORBIDDEN$/,
    message: new RegExp(LOOPBACK),
    hint: /AWS_PROFILE|permissions/,
  },
  {
    what: 'an expired token (C14)',
    options: { server: { sessionToken: 'old', sessionExpired: true }, env: { AWS_SESSION_TOKEN: 'old' } },
    code: /^REMOTE_CREDENTIALS_EXPIRED$/,
    message: new RegExp(`${LOOPBACK}the credentials have expired`),
    hint: /aws sso login/,
  },
  {
    what: 'a clock that is an hour wrong (C14)',
    options: { server: { clock: () => Date.now() + 3_600_000 } },
    code: /^REMOTE_CLOCK_SKEW$/,
    message: new RegExp(`${LOOPBACK}the clock of this machine is (59|60|61) minutes behind`),
    hint: /NTP/,
  },
  {
    what: 'a certificate nobody vouches for (C2)',
    options: { server: { tls: true } },
    code: /^REMOTE_TLS_FAILED$/,
    message: new RegExp(`${LOOPBACK}no secure connection`),
    hint: /NODE_EXTRA_CA_CERTS/,
  },
  {
    what: 'TLS to a server without (C2)',
    options: { endpoint: ({ endpoint }) => endpoint.replace('http:', 'https:') },
    code: /^REMOTE_TLS_FAILED$/,
    message: new RegExp(`${LOOPBACK}no secure connection`),
    hint: /plain http/,
  },
  {
    what: 'a host that does not exist (C2)',
    options: { endpoint: () => 'https://no-such-host.invalid' },
    code: /^REMOTE_(HOST_NOT_FOUND|UNREACHABLE)$/,
    message: /at no-such-host\.invalid: .*\(DNS\)/,
    hint: /endpoint|network/,
  },
  {
    what: 'a port nobody listens at (C2)',
    options: { endpoint: () => 'http://127.0.0.1:1' },
    code: /^REMOTE_UNREACHABLE$/,
    message: /at 127\.0\.0\.1:1: the connection was refused.*3 attempts/,
    hint: /host and port/,
  },
  {
    what: '503 for ever (C2)',
    options: {},
    arrange: ({ server }) => void server.faults.add({ fault: { type: 'status', status: 503 } }),
    code: /^REMOTE_BUSY$/,
    message: new RegExp(`${LOOPBACK}the server answered 503.*3 attempts`),
    hint: /later|--jobs/,
  },
  {
    what: 'a server that never answers (C2)',
    options: { env: { MLOPS_REMOTE_TIMEOUT: '0.5', MLOPS_REMOTE_ATTEMPTS: '2' } },
    arrange: ({ server }) => void server.faults.add({ fault: { type: 'hang' } }),
    code: /^REMOTE_UNREACHABLE$/,
    message: new RegExp(`${LOOPBACK}.*2 attempts`),
    hint: /network/,
  },
  {
    what: 'permissions that are missing',
    options: {},
    arrange: ({ server }) => void server.faults.add({ fault: { type: 'status', status: 403 } }),
    code: /^REMOTE_FORBIDDEN$/,
    message: new RegExp(LOOPBACK),
    hint: /s3:/,
  },
  {
    what: 'the page of a captive portal (C4)',
    options: {},
    arrange: ({ server }) => void server.faults.add({ fault: { type: 'html-200', body: 'html' } }),
    code: /^REMOTE_ANSWER_INVALID$/,
    message: new RegExp(LOOPBACK),
    hint: /proxy/,
  },
];

const repository = sharedRepository();

describe('a remote that can not be used', () => {
  test.for(REFUSALS)(
    '$what: push and pull are exit 7, name host, operation and hint, and change nothing',
    async ({ options, arrange, code, message, hint }) => {
      const refused = async (command: string): Promise<void> => {
        const at = await remoteCase(repository(), {
          ...options,
          empty: command === 'pull',
          env: { MLOPS_REMOTE_ATTEMPTS: '3', ...options.env },
        });
        arrange?.(at);
        const error = await at.fails(7, command);
        expect(error.code).toMatch(code);
        expect(error.message).toMatch(/(ListObjectsV2|HeadObject|PutObject|GetObject) in bucket/);
        expect(error.message).toMatch(message);
        expect(error.hint).toMatch(hint);
        expect(at.server.objects.keys()).toEqual([]);
      };
      await Promise.all([refused('push'), refused('pull')]);
    },
  );
});
