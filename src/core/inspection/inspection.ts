import type { JsonValue } from '../../lib/canonical-json.ts';
import { printable } from './printable.ts';

/** What a model file or directory is, by its content. */
export interface InspectedFormat {
  /** Lower-case format name such as `onnx`, `pickle`, `safetensors`, or `unknown`. */
  name: string;
  /** The library that wrote or loads it such as `sklearn`, or `unknown`. */
  framework: string;
  details: Record<string, JsonValue>;
}

/** One tensor of a signature; a dimension is a size, a symbolic name, or null when it is free. */
export interface TensorSpec {
  name: string;
  dtype: string;
  shape: (number | string | null)[];
}

export interface Signature {
  inputs: TensorSpec[];
  outputs: TensorSpec[];
}

export interface Inspection {
  format: InspectedFormat;
  signature?: Signature;
  /** One sentence each; an empty list means that nothing was noticed, never that a file is safe. */
  warnings: string[];
}

/** Content that breaks the rules of its own format. Becomes a warning and never leaves this domain. */
export class MalformedError extends Error {
  override readonly name: string = 'MalformedError';
}

/** A limit of ours was hit before the end of the content. Becomes a "not fully read" warning. */
export class LimitError extends MalformedError {
  override readonly name = 'LimitError';
}

/** An inspection under construction: a reader fills it, so that what was learnt before an error is kept. */
export interface Draft {
  name: string;
  framework: string;
  details: Record<string, JsonValue>;
  signature?: Signature;
  warnings: string[];
}

const MAX_WARNINGS = 50;
const MAX_WARNING = 1_500;

export function newDraft(name: string, framework: string): Draft {
  return { name, framework, details: {}, warnings: [] };
}

/**
 * Runs a reader on a draft and turns malformed content into a warning.
 *
 * @throws whatever is not a {@link MalformedError}: failures of the disk, and bugs
 */
export async function settle(draft: Draft, read: (draft: Draft) => Promise<void>): Promise<Draft> {
  try {
    await read(draft);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    const prefix = error instanceof LimitError ? 'not fully read' : `malformed ${draft.name} content`;
    draft.warnings.push(`${prefix}: ${error.message}`);
  }
  return draft;
}

/** The finished form of a draft: repeated warnings dropped, the list bounded. */
export function toInspection(draft: Draft): Inspection {
  const distinct = [...new Set(draft.warnings.map((warning) => printable(warning, MAX_WARNING)))];
  const warnings = distinct.slice(0, MAX_WARNINGS);
  if (distinct.length > MAX_WARNINGS)
    warnings.push(`${distinct.length - MAX_WARNINGS} more warnings left out`);
  return {
    format: { name: draft.name, framework: draft.framework, details: draft.details },
    ...(draft.signature === undefined ? {} : { signature: draft.signature }),
    warnings,
  };
}
