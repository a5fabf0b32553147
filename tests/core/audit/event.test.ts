import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { encodeEvent, summariseEvent, type EventDocument } from '../../../src/core/audit/index.ts';
import { parseEvent } from '../../../src/core/audit/event.ts';
import { canonicalJson, type JsonValue } from '../../../src/lib/canonical-json.ts';

const EVENT: EventDocument = {
  schema: 'mlops.event/1',
  type: 'promoted',
  subject: { model: 'fraud', stage: 'production', version: 'v1.0.1' },
  from: 'v1.0.0',
  to: 'v1.0.1',
  digest: `sha256:${'a'.repeat(64)}`,
  actor: 'Ada <ada@example.org>',
  time: '2026-11-23T10:20:00.000Z',
  reason: 'better recall',
  evidence: [],
  parents: [`sha256:${'b'.repeat(64)}`],
  tool: 'mlops/0.1.0',
};

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
const codeOf = (action: () => unknown): { code: unknown; exitCode: unknown } => {
  try {
    action();
  } catch (error) {
    const { code, exitCode } = error as { code: unknown; exitCode: unknown };
    return { code, exitCode };
  }
  return { code: undefined, exitCode: undefined };
};

/** The bytes of any document under the name that an event of these bytes would have. */
function disguise(document: object): { bytes: Uint8Array; name: string } {
  const bytes = Buffer.from(canonicalJson(document as JsonValue));
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  return { bytes, name: `20261123T102000000Z-promoted-${hash}.json` };
}

describe('an event', () => {
  test('is named after its time, its type and its bytes, as docs/format.md says', () => {
    const { id, path, bytes } = encodeEvent(EVENT);
    const hex = createHash('sha256').update(bytes).digest('hex');
    expect(id).toBe(`sha256:${hex}`);
    expect(path).toBe(`models/fraud/events/20261123T102000000Z-promoted-${hex.slice(0, 16)}.json`);
    expect(Buffer.from(bytes).toString()).toBe(canonicalJson(EVENT as unknown as JsonValue));
  });

  test('is read back as it was written', () => {
    const { id, path, bytes } = encodeEvent(EVENT);
    expect(parseEvent(bytes, { model: 'fraud', name: nameOf(path) })).toEqual({ ...EVENT, id });
  });

  test('keeps members of a newer program', () => {
    const { bytes, name } = disguise({ ...EVENT, approval: { by: 'someone' } });
    expect(parseEvent(bytes, { model: 'fraud', name })).toMatchObject({ approval: { by: 'someone' } });
  });

  test('is found out whichever byte of it is changed', () => {
    const { path, bytes } = encodeEvent(EVENT);
    for (let index = 0; index < bytes.length; index += 1) {
      for (const bit of [0x01, 0x20, 0x80]) {
        const changed = Uint8Array.from(bytes);
        changed[index] = (changed[index] ?? 0) ^ bit;
        const { exitCode } = codeOf(() => parseEvent(changed, { model: 'fraud', name: nameOf(path) }));
        expect([2, 3], `byte ${index}, bit ${bit}`).toContain(exitCode);
      }
    }
  });

  test.each([
    ['another time', '20261123T102000001Z-promoted-'],
    ['another type', '20261123T102000000Z-resolved-'],
  ])('is found out under a name with %s', (_what, start) => {
    const { path, bytes } = encodeEvent(EVENT);
    const name = start + nameOf(path).split('-').at(-1);
    expect(codeOf(() => parseEvent(bytes, { model: 'fraud', name }))).toEqual({
      code: 'EVENT_DAMAGED',
      exitCode: 3,
    });
  });

  test('is found out in the directory of another model', () => {
    const { path, bytes } = encodeEvent(EVENT);
    const found = codeOf(() => parseEvent(bytes, { model: 'churn', name: nameOf(path) }));
    expect(found).toEqual({ code: 'EVENT_DAMAGED', exitCode: 3 });
  });

  test.each([
    ['CRLF line ends', (text: string) => text.replaceAll('\n', '\r\n')],
    ['no final newline', (text: string) => text.trimEnd()],
    ['other indentation', (text: string) => `${JSON.stringify(JSON.parse(text), null, 4)}\n`],
    ['a byte order mark', (text: string) => `\ufeff${text}`],
    ['a duplicate key', (text: string) => text.replace('{\n', '{\n  "actor": "Mallory",\n')],
    ['the end cut off', (text: string) => text.slice(0, text.length / 2)],
  ])('with %s is damaged even under a matching name', (_what, change) => {
    const bytes = Buffer.from(change(Buffer.from(encodeEvent(EVENT).bytes).toString()));
    const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
    const name = `20261123T102000000Z-promoted-${hash}.json`;
    expect(codeOf(() => parseEvent(bytes, { model: 'fraud', name })).exitCode).toBe(3);
  });

  test.each([
    ['a version that is a path', { ...EVENT, to: '../../etc/passwd' }],
    ['a version with an escape sequence', { ...EVENT, to: '\u001b[2J' }],
    ['a time without milliseconds', { ...EVENT, time: '2026-11-23T10:20:00Z' }],
    ['no actor', { ...EVENT, actor: '' }],
    ['a parent that is no digest', { ...EVENT, parents: ['sha256:abc'] }],
    ['more than 1,000 parents', { ...EVENT, parents: Array.from({ length: 1001 }, () => EVENT.digest) }],
    ['a reason of more than 20,000 characters', { ...EVENT, reason: 'x'.repeat(20_001) }],
  ])('with %s is refused on reading, and never written', (_what, document) => {
    const { bytes, name } = disguise(document);
    expect(codeOf(() => parseEvent(bytes, { model: 'fraud', name })).exitCode).toBe(3);
    expect(codeOf(() => encodeEvent(document as EventDocument))).toEqual({
      code: 'LIMIT_EXCEEDED',
      exitCode: 2,
    });
  });

  test('of a newer version of the document asks for a newer program', () => {
    const { bytes, name } = disguise({ ...EVENT, schema: 'mlops.event/2' });
    const found = codeOf(() => parseEvent(bytes, { model: 'fraud', name }));
    expect(found).toEqual({ code: 'FORMAT_UNSUPPORTED', exitCode: 2 });
  });

  test('is summarised with null for what it does not say', () => {
    const { id } = encodeEvent(EVENT);
    const { from: _from, reason: _reason, ...rest } = EVENT;
    expect(summariseEvent({ ...rest, id })).toEqual({
      id,
      type: 'promoted',
      model: 'fraud',
      version: 'v1.0.1',
      stage: 'production',
      from: null,
      to: 'v1.0.1',
      digest: EVENT.digest,
      actor: EVENT.actor,
      time: EVENT.time,
      reason: null,
    });
  });
});
