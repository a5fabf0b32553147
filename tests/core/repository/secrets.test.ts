import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findSecrets } from '../../../src/core/repository/secrets.ts';

/** Put together here, so that no scanner takes this file for a leak. */
const join = (...parts: string[]): string => parts.join('');
const body = (length: number): string => 'aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0z'.repeat(10).slice(0, length);
const hex = (length: number): string => '9f86d081884c7d659a2feaa0c55ad015'.repeat(4).slice(0, length);

const SECRETS: readonly (readonly [kind: string, text: string])[] = [
  ['an AWS access key', join('AKIA', 'IOSFODNN7WXYZABC')],
  ['an AWS access key', join('ASIA', 'IOSFODNN7WXYZABC')],
  ['a GitHub token', join('ghp', '_', body(36))],
  ['a GitHub token', join('gho', '_', body(36))],
  ['a GitHub token', join('ghs', '_', body(36))],
  ['a GitHub token', join('github', '_pat_', body(82))],
  ['a GitLab token', join('glpat', '-', body(20))],
  ['a Slack token', join('xoxb', '-123456789012-', body(24))],
  ['a Slack token', join('xoxp', '-123456789012-', body(24))],
  ['a Slack webhook', join('https://hooks.slack', '.com/services/T00000000/B00000000/', body(24))],
  ['a Hugging Face token', join('hf', '_', body(34))],
  ['an OpenAI or Anthropic key', join('sk', '-', body(48))],
  ['an OpenAI or Anthropic key', join('sk', '-proj-', body(60))],
  ['an OpenAI or Anthropic key', join('sk', '-ant-api03-', body(60))],
  ['a Stripe key', join('sk', '_live_', body(24))],
  ['a Google API key', join('AIza', body(35))],
  ['a Google OAuth token', join('GOCSPX', '-', body(28))],
  ['an npm token', join('npm', '_', body(36))],
  ['a PyPI token', join('pypi', '-', body(80))],
  ['a SendGrid key', join('SG.', body(22), '.', body(43))],
  ['a Databricks token', join('dapi', hex(32))],
  ['a DigitalOcean token', join('dop', '_v1_', hex(64))],
  ['an Azure storage key', join('AccountKey', '=', body(86), '==')],
  ['a JSON web token', join('eyJhbGciOiJIUzI1NiJ9', '.eyJzdWIiOiIxMjM0NTY3ODkwIn0.', body(43))],
  ['a private key', join('-----BEGIN ', 'RSA PRIVATE KEY-----')],
  ['a private key', join('-----BEGIN ', 'PRIVATE KEY-----')],
  ['a private key', join('-----BEGIN ', 'OPENSSH PRIVATE KEY-----')],
  ['a private key', join('-----BEGIN ', 'PGP PRIVATE KEY BLOCK-----')],
  ['a password in a URL', join('https://user:', 'hunter2', '@example.org/x')],
  ['a password in a URL', join('postgresql://mlflow:', 's3cr3t', '@db:5432/x')],
  ['a value beside "token"', join('WANDB_', 'TOKEN=', hex(40))],
  ['a value beside "api_key"', join('WANDB_', 'API_KEY: ', hex(40))],
  [
    'a value beside "secret"',
    join('"aws_', 'secret_access_key": "', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYz8kQ1m2n3o', '"'),
  ],
  ['a value beside "password"', join('"password": "', 'Tr0ub4dor&3', '"')],
  ['a value beside "passwd"', join("passwd='", 'correct-h0rse9', "'")],
  ['a value beside "token"', join('--token ', hex(32))],
  ['a value beside "api-key"', join('train.py --api-key=', body(24))],
];

const HARMLESS = [
  '"digest": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"',
  '"tokenizer": "bert-base-uncased-finetuned-mrpc-v2-1234567890ab"',
  '"max_tokens": "4096"',
  '"token_count": 123456789012345678901234',
  '"pad_token_id": "50256"',
  '"eos_token": "</s>"',
  '"password": "<your password>"',
  '"password": "${PASSWORD}"',
  'password: changeme123',
  '"remote": "https://user@example.org/repo.git"',
  'https://user:***@example.org/',
  'https://example.org:8443/a@b',
  'the token is something1234567890abcdefgh in prose',
  'see "secret-santa-2024"',
  '"auth_keys": "none"',
  'eyJ.eyJ.x',
  'AKIASHORT',
  '"commit": "3b18e512dba79e4c8300dd08aeb37f8e728b8dad"',
  'sk-learn-contrib-package-of-some-length',
  'the secretary wrote it on 2024-11-23T10:15:00.000Z',
];

describe('findSecrets', () => {
  test.each(SECRETS)('finds %s', (kind, text) => {
    const [found, ...others] = findSecrets(
      `{\n  "a": "1",\n  "params": { "x": ${JSON.stringify(text)} }\n}\n`,
    );
    expect(others).toEqual([]);
    expect(found).toMatchObject({ kind, line: 3, fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/) });
    expect(JSON.stringify(found)).not.toContain(text.slice(-12));
  });

  test.each(HARMLESS)('leaves %s alone', (text) => {
    expect(findSecrets(`{\n  ${text}\n}\n`)).toEqual([]);
  });

  test('gives one text the same fingerprint everywhere, and other texts other ones', () => {
    const [first, second] = [join('ghp', '_', body(36)), join('ghp', '_', body(37))];
    const prints = findSecrets(`${first}\n${second}\n\n${first}\n`).map(({ line, fingerprint }) => ({
      line,
      fingerprint,
    }));
    expect(prints.map(({ line }) => line)).toEqual([1, 2, 4]);
    expect(prints[0]?.fingerprint).toBe(prints[2]?.fingerprint);
    expect(prints[0]?.fingerprint).not.toBe(prints[1]?.fingerprint);
  });

  test('tells two private keys apart', () => {
    const key = (text: string): string =>
      join('-----BEGIN ', 'PRIVATE KEY-----\n', text, '\n-----END PRIVATE KEY-----');
    const prints = findSecrets(`${key('abc')}\n${key('abd')}\n`).map(({ fingerprint }) => fingerprint);
    expect(new Set(prints).size).toBe(2);
  });

  test('ends for texts made to keep it busy', () => {
    const size = 300_000;
    for (const part of [
      'eyJ',
      '-',
      'a.',
      'token',
      'token=',
      '://',
      'sk-',
      'a://b:',
      'pwd="',
      'AKIA',
      '_-.',
      '-----BEGIN ',
    ]) {
      expect(Array.isArray(findSecrets(part.repeat(size / part.length)))).toBe(true);
    }
  });

  test('finds a token wherever it stands', () => {
    const token = join('glpat', '-', body(20));
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        const text = `${before}\n"${token}"\n${after}`;
        expect(findSecrets(text)).toContainEqual(
          expect.objectContaining({ line: before.split('\n').length + 1 }),
        );
      }),
    );
  });
});
