import { describe, expect, it } from 'vitest';
import { ENVIRONMENT_VARIABLES } from '../../src/config/env.ts';
import {
  listSettings,
  loadConfig,
  parseConfigFile,
  readSetting,
  setSetting,
  unsetSetting,
} from '../../src/config/load.ts';
import { ConfigFile, DEFAULT_CONFIG, SETTINGS } from '../../src/config/schema.ts';

const file = (content: unknown): Uint8Array =>
  new TextEncoder().encode(typeof content === 'string' ? content : JSON.stringify(content));

describe('loadConfig', () => {
  it('gives the defaults when there is nothing else', () => {
    expect(loadConfig({ env: {} })).toEqual(DEFAULT_CONFIG);
    expect(loadConfig({ config: file({ schema: 'mlops.config/1' }), env: { MLOPS_GIT_STAGE: '' } })).toEqual(
      DEFAULT_CONFIG,
    );
  });

  it('lets config.json, local.json and the environment win in this order, setting by setting', () => {
    const config = file({ stages: ['dev', 'prod'], git: { stage: false }, lock: { timeoutSeconds: 1 } });
    const local = file({ lock: { timeoutSeconds: 2 }, git: { stage: true } });
    expect(loadConfig({ config, env: {} })).toEqual({
      ...DEFAULT_CONFIG,
      stages: ['dev', 'prod'],
      git: { stage: false },
      lock: { timeoutSeconds: 1 },
    });
    const env = { MLOPS_LOCK_TIMEOUT: '0.5' };
    expect(loadConfig({ config, local, env })).toEqual({
      ...DEFAULT_CONFIG,
      stages: ['dev', 'prod'],
      git: { stage: true },
      lock: { timeoutSeconds: 0.5 },
    });
    expect(listSettings({ config, local, env }).map(({ key, origin }) => [key, origin])).toEqual([
      ['stages', 'config.json'],
      ['git.stage', 'local.json'],
      ['lock.timeoutSeconds', 'environment'],
      ['gc.graceDays', 'default'],
      ['transfer.timeoutSeconds', 'default'],
      ['transfer.attempts', 'default'],
      ['hooks.prePush', 'default'],
      ['hooks.fetch', 'default'],
      ['hooks.requireSavedData', 'default'],
      ['hooks.allowedSecrets', 'default'],
      ['drift.policy', 'default'],
      ['drift.alpha', 'default'],
      ['drift.failOn', 'default'],
      ['drift.failOnInconclusive', 'default'],
      ['drift.effect', 'default'],
      ['drift.ignore', 'default'],
      ['defaultRemote', 'default'],
    ]);
  });

  it('names every unknown key with the allowed ones and a guess, one a line', () => {
    const config = file({ stage: ['a'], git: { stagee: true }, 'x\u001b': 1 });
    const load = () => loadConfig({ config, env: {} });
    expect(load).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID', exitCode: 2 }) as Error);
    let message = '';
    try {
      load();
    } catch (error) {
      message = error instanceof Error ? error.message : '';
    }
    expect(message.split('\n').toSorted()).toEqual([
      '.mlops/config.json: git.stagee: unknown key, did you mean "stage"? (allowed: stage)',
      '.mlops/config.json: stage: unknown key, did you mean "stages"? (allowed: defaultRemote, drift, gc, git, hooks, lock, remotes, schema, stages, transfer)',
      '.mlops/config.json: x\\x1b: unknown key (allowed: defaultRemote, drift, gc, git, hooks, lock, remotes, schema, stages, transfer)',
    ]);
  });

  it.each([
    [{ stages: ['Prod'] }, /stages\.0: a stage is 1 to 64 lower-case/],
    [{ stages: ['latest'] }, /"latest" is not a stage/],
    [{ stages: ['con'] }, /device name/],
    [{ stages: [] }, /stages: /],
    [{ stages: ['a', 'a'] }, /stages: a stage is listed twice/],
    [{ git: { stage: 'yes' } }, /git\.stage: .*boolean/],
    [{ lock: { timeoutSeconds: -1 } }, /lock\.timeoutSeconds: /],
    [{ schema: 'mlops.config/2' }, /schema: /],
    [[], /the file: .*object/],
  ])('refuses %j with exit 2', (content, reason) => {
    const load = () => loadConfig({ config: file(content), env: {} });
    expect(load).toThrow(reason);
    expect(load).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID', exitCode: 2 }) as Error);
  });

  it.each([
    ['{"stages": ["a"],}', /config\.json:1:18: expected a key/],
    ['{"git": {}, "git": {}}', /config\.json:1:13: duplicate key/],
    ['{"__proto__": {}}', /not allowed/],
    ['', /config\.json:1:1: unexpected end/],
    [new Uint8Array([0xff]), /not valid UTF-8/],
  ])('calls %j damage, as in every document below .mlops', (content, reason) => {
    const config = typeof content === 'string' ? file(content) : content;
    const load = () => loadConfig({ config, env: {} });
    expect(load).toThrow(reason);
    expect(load).toThrow(
      expect.objectContaining({
        exitCode: 3,
        hint: expect.stringContaining('git checkout HEAD -- .mlops/config.json') as string,
      }) as Error,
    );
    const local = () => loadConfig({ local: config, env: {} });
    expect(local).toThrow(/^\.mlops\/local\.json/);
    expect(local).toThrow(expect.objectContaining({ exitCode: 3 }) as Error);
  });

  it('names the file at fault, and a merge conflict as such', () => {
    expect(() => loadConfig({ local: file({ x: 1 }), env: {} })).toThrow(/^\.mlops\/local\.json: x/);
    const conflict = file('<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> topic\n');
    expect(() => loadConfig({ config: conflict, env: {} })).toThrow(
      expect.objectContaining({ code: 'MERGE_CONFLICT', exitCode: 5 }) as Error,
    );
  });

  it.each([
    [{ MLOPS_LOCK_TIMEOUT: 'soon' }, /MLOPS_LOCK_TIMEOUT: "soon"/],
    [{ MLOPS_LOCK_TIMEOUT: '-1' }, /MLOPS_LOCK_TIMEOUT/],
    [{ MLOPS_LOCK_TIMEOUT: 'Infinity' }, /MLOPS_LOCK_TIMEOUT/],
    [{ MLOPS_GIT_STAGE: 'maybe' }, /MLOPS_GIT_STAGE/],
  ])('refuses %j by the name of the variable', (env, reason) => {
    expect(() => loadConfig({ env })).toThrow(reason);
  });
});

describe('remotes', () => {
  const origin = { url: 's3://models/prod', endpoint: 'https://s3.example.org' };
  const backup = { url: '/mnt/share' };

  it('are taken from both files, and a committed one never redirects one of this clone', () => {
    const config = file({ remotes: { origin: { url: 's3://evil/prod' }, backup } });
    const local = file({ remotes: { origin } });
    const { remotes, defaultRemote } = loadConfig({ config, local, env: {} });
    expect(remotes).toEqual({
      origin: { ...origin, origin: 'local.json' },
      backup: { ...backup, origin: 'config.json' },
    });
    expect(defaultRemote).toBeUndefined();
  });

  it('the only one is the default, unless another is chosen; local.json has the last word', () => {
    const one = file({ remotes: { origin } });
    const two = file({ remotes: { origin, backup }, defaultRemote: 'origin' });
    const local = file({ defaultRemote: 'backup' });
    expect(loadConfig({ config: one, env: {} }).defaultRemote).toBe('origin');
    expect(loadConfig({ config: two, env: {} }).defaultRemote).toBe('origin');
    expect(loadConfig({ config: two, local, env: {} }).defaultRemote).toBe('backup');
    expect(readSetting({ config: one, env: {} }, 'defaultRemote')).toEqual({
      key: 'defaultRemote',
      value: 'origin',
      origin: 'default',
    });
    expect(readSetting({ config: two, local, env: {} }, 'defaultRemote').origin).toBe('local.json');
    expect(readSetting({ env: {} }, 'defaultRemote').value).toBeNull();
  });

  it('are trusted by local.json and the environment, never by config.json', () => {
    const local = file({ trustedRemotes: ['s3://models/prod'] });
    expect(loadConfig({ local, env: {} }).trustedRemotes).toEqual(['s3://models/prod']);
    expect(() => loadConfig({ config: local, env: {} })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringMatching(
          /^\.mlops\/config\.json: trustedRemotes: belongs into .mlops\/local\.json/,
        ) as string,
      }) as Error,
    );
    const named = loadConfig({ local, env: { MLOPS_TRUST_REMOTES: ' s3://a/b at https://x, /mnt/y ,' } });
    expect(named.trustedRemotes).toEqual(['s3://models/prod', 's3://a/b at https://x', '/mnt/y']);
    expect(named.trustsEveryRemote).toBe(false);
    expect(loadConfig({ env: { MLOPS_TRUST_REMOTES: '1' } })).toEqual({
      ...DEFAULT_CONFIG,
      trustsEveryRemote: true,
    });
  });

  it('keep what local.json trusts when a setting is changed there', () => {
    const before: ConfigFile = { trustedRemotes: ['/mnt/share'] };
    expect(setSetting(before, 'git.stage', 'true')).toMatchObject({ trustedRemotes: ['/mnt/share'] });
  });

  it.each([
    [{ remotes: { Origin: backup } }, /remotes\.Origin/],
    [{ remotes: { origin: {} } }, /remotes\.origin\.url/],
    [{ remotes: { origin: { ...backup, secretKey: 'x' } } }, /secretKey: unknown key \(allowed: url,/],
    [{ remotes: { origin: { ...backup, pathStyle: 'yes' } } }, /pathStyle/],
    [{ defaultRemote: 7 }, /defaultRemote/],
  ])('refuse %j', (content, reason) => {
    expect(() => loadConfig({ config: file(content), env: {} })).toThrow(reason);
  });
});

describe('single settings', () => {
  it('reads one with its origin', () => {
    const config = file({ lock: { timeoutSeconds: 3 } });
    expect(readSetting({ config, env: {} }, 'lock.timeoutSeconds')).toEqual({
      key: 'lock.timeoutSeconds',
      value: 3,
      origin: 'config.json',
    });
    expect(readSetting({ env: {} }, 'stages')).toEqual({
      key: 'stages',
      value: ['staging', 'production'],
      origin: 'default',
    });
  });

  it.each([
    ['stages', 'dev, prod', { stages: ['dev', 'prod'] }],
    ['stages', 'prod', { stages: ['prod'] }],
    ['git.stage', 'false', { git: { stage: false } }],
    ['git.stage', 'ON', { git: { stage: true } }],
    ['transfer.attempts', '9', { transfer: { attempts: 9 } }],
    ['lock.timeoutSeconds', '2.5', { lock: { timeoutSeconds: 2.5 } }],
    ['lock.timeoutSeconds', '0', { lock: { timeoutSeconds: 0 } }],
    ['defaultRemote', ' backup', { defaultRemote: 'backup' }],
  ])('sets %s to %j', (key, text, expected) => {
    expect(setSetting({}, key, text)).toEqual({ schema: 'mlops.config/1', ...expected });
  });

  it('changes nothing else, and not the file it was given', () => {
    const before: ConfigFile = { stages: ['a'], lock: { timeoutSeconds: 1 } };
    const after = setSetting(before, 'lock.timeoutSeconds', '2');
    expect(after).toEqual({ schema: 'mlops.config/1', stages: ['a'], lock: { timeoutSeconds: 2 } });
    expect(before).toEqual({ stages: ['a'], lock: { timeoutSeconds: 1 } });
  });

  it('unsets one, and an object that became empty with it', () => {
    expect(unsetSetting({ stages: ['a'], git: { stage: true } }, 'git.stage')).toEqual({ stages: ['a'] });
    expect(unsetSetting({ stages: ['a'] }, 'git.stage')).toEqual({ stages: ['a'] });
    expect(unsetSetting({ stages: ['a'] }, 'stages')).toEqual({});
  });

  it.each([
    ['stages', ''],
    ['stages', 'a,,b'],
    ['stages', 'A'],
    ['git.stage', 'maybe'],
    ['git.stage', 'constructor'],
    ['lock.timeoutSeconds', ''],
    ['lock.timeoutSeconds', '1h'],
    ['lock.timeoutSeconds', '99999'],
    ['transfer.timeoutSeconds', '0'],
    ['transfer.attempts', '0'],
    ['transfer.attempts', '2.5'],
    ['defaultRemote', ''],
    ['defaultRemote', 'Backup'],
    ['defaultRemote', '../x'],
  ])('refuses to set %s to %j', (key, text) => {
    expect(() => setSetting({}, key, text)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', exitCode: 2 }) as Error,
    );
  });

  it.each(['stage', 'git', 'git.stages', 'constructor', '__proto__', '', 'toString'])(
    'knows no setting %j',
    (key) => {
      const unknown = expect.objectContaining({ code: 'UNKNOWN_SETTING', exitCode: 2 }) as Error;
      expect(() => readSetting({ env: {} }, key)).toThrow(unknown);
      expect(() => setSetting({}, key, 'x')).toThrow(unknown);
      expect(() => unsetSetting({}, key)).toThrow(unknown);
    },
  );

  it('names the nearest setting', () => {
    expect(() => readSetting({ env: {} }, 'lock.timeout')).toThrow(
      expect.objectContaining({ hint: 'did you mean lock.timeoutSeconds?' }) as Error,
    );
  });
});

describe('the list of settings', () => {
  it('covers every key of the file and of the defaults', () => {
    const paths = (value: object, prefix = ''): string[] =>
      Object.entries(value).flatMap(([key, inner]) =>
        typeof inner === 'object' && inner !== null && !Array.isArray(inner)
          ? paths(inner as object, `${prefix}${key}.`)
          : [`${prefix}${key}`],
      );
    const { drift, remotes, trustedRemotes, trustsEveryRemote, ...settings } = DEFAULT_CONFIG;
    expect({ drift, remotes, trustedRemotes, trustsEveryRemote }).toEqual({
      drift: [],
      remotes: {},
      trustedRemotes: [],
      trustsEveryRemote: false,
    });
    // The default of defaultRemote is the only remote there is, so it has no fixed one. Those of drift depend on the policy.
    const scalars = ['policy', 'alpha', 'failOn', 'failOnInconclusive', 'effect', 'ignore'];
    expect(Object.keys(SETTINGS).toSorted()).toEqual(
      [...paths(settings), 'defaultRemote', ...scalars.map((key) => `drift.${key}`)].toSorted(),
    );
    expect(ConfigFile.parse(settings)).toEqual(settings);
    const heads = new Set(Object.keys(SETTINGS).map((key) => key.split('.')[0]));
    // What `mlops remote` writes is no setting of `mlops config`.
    const others = ['schema', 'remotes', 'trustedRemotes'];
    expect(
      Object.keys(ConfigFile.unwrap().shape)
        .filter((key) => !others.includes(key))
        .toSorted(),
    ).toEqual([...heads].map(String).toSorted());
  });

  it('treats an absent file as an empty one', () => {
    expect(parseConfigFile(undefined, 'config.json')).toEqual({});
  });

  it('documents each variable once', () => {
    const names = ENVIRONMENT_VARIABLES.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(
      expect.arrayContaining(['MLOPS_ACTOR', 'NO_COLOR', 'FORCE_COLOR', 'CI', 'MLOPS_LOCK_TIMEOUT']),
    );
    expect(ENVIRONMENT_VARIABLES.every(({ description }) => description.length > 10)).toBe(true);
  });
});

describe('the settings of hooks', () => {
  it('are read from the files, and the one for pushing from the environment first', () => {
    const config = Buffer.from(
      '{"hooks":{"prePush":"check","fetch":true,"allowedSecrets":["0123456789abcdef"]}}',
    );
    expect(loadConfig({ config, env: {} }).hooks).toEqual({
      prePush: 'check',
      fetch: true,
      requireSavedData: true,
      allowedSecrets: ['0123456789abcdef'],
    });
    expect(loadConfig({ config, env: { MLOPS_PRE_PUSH: 'off' } }).hooks.prePush).toBe('off');
  });

  it('refuse another word and what is no fingerprint', () => {
    expect(() => setSetting({}, 'hooks.prePush', 'no')).toThrow('push, check or off');
    expect(() => setSetting({}, 'hooks.allowedSecrets', 'AKIA')).toThrow('16 hexadecimal digits');
  });
});
