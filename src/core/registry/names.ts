import * as z from 'zod';
import { UsageError } from '../../errors.ts';
import { isReservedName } from '../../lib/portable-names.ts';
import { StageName } from '../../config/schema.ts';

export { StageName };

const MODEL_NAME = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,126}[A-Za-z0-9])?$/;

// Lazy, because a command that only lists models needs none of them, and building them takes longer than it does.
export const ModelName = z.lazy(() =>
  z
    .string()
    .max(128, 'a model name has at most 128 characters')
    .regex(
      MODEL_NAME,
      'a model name is 1 to 128 letters, digits, ".", "_" and "-", and starts and ends with a letter or digit',
    )
    .refine((name) => !isReservedName(name), 'Windows reserves this name'),
);

/** As {@link ModelName}, for who needs no reason. */
export function isModelName(name: string): boolean {
  return MODEL_NAME.test(name) && !isReservedName(name);
}

export const VersionLabel = z.lazy(() =>
  z
    .string()
    .max(64, 'a version label has at most 64 characters')
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
      'a version label is 1 to 64 letters, digits, ".", "_" and "-", and starts with a letter or digit',
    )
    .refine((label) => label !== 'latest', '"latest" always means the newest version')
    .refine((label) => !label.endsWith('.'), 'a version label does not end in "."')
    .refine((label) => !isReservedName(label), 'Windows reserves this name'),
);

export const Digest = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, 'a digest is "sha256:" and 64 hexadecimal digits');

/** What a person typed to name a version. */
export type Reference =
  | { kind: 'model'; model: string; selector: string | undefined }
  | { kind: 'digest'; prefix: string }
  | { kind: 'run'; prefix: string };

/**
 * `<model>`, `<model>@<version|stage|latest>`, `sha256:<8+ hex>` or `run:<id prefix>`.
 * @throws UsageError `REFERENCE_INVALID`
 */
export function parseReference(text: string): Reference {
  if (text.startsWith('sha256:')) {
    const prefix = text.slice('sha256:'.length);
    if (!/^[0-9a-f]{8,64}$/.test(prefix)) {
      throw invalid(text, 'a digest is "sha256:" and at least 8 lower-case hexadecimal digits');
    }
    return { kind: 'digest', prefix };
  }
  if (text.startsWith('run:')) {
    const prefix = text.slice('run:'.length);
    if (!/^[A-Za-z0-9_-]{4,64}$/.test(prefix)) throw invalid(text, 'a run is "run:" and the start of its id');
    return { kind: 'run', prefix };
  }
  const at = text.indexOf('@');
  const model = ModelName.safeParse(at === -1 ? text : text.slice(0, at));
  if (!model.success) throw invalid(text, model.error.issues[0]?.message ?? 'not a model name');
  if (at === -1) return { kind: 'model', model: model.data, selector: undefined };
  const selector = text.slice(at + 1);
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(selector)) {
    throw invalid(text, 'after "@" comes a version, a stage or "latest"');
  }
  return { kind: 'model', model: model.data, selector };
}

function invalid(text: string, problem: string): UsageError {
  return new UsageError('REFERENCE_INVALID', `"${text.slice(0, 200)}" names no version: ${problem}`, {
    hint: 'write <model>, <model>@<version>, <model>@<stage> or sha256:<digest>; see `mlops help references`',
  });
}
