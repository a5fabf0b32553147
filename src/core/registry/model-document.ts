import * as z from 'zod';
import { IntegrityError, MlopsError } from '../../errors.ts';
import { parseDocument } from '../repository/document.ts';
import { gitPath, modelPath } from '../repository/layout.ts';
import type { Repository } from '../repository/repository.ts';
import { ModelName } from './names.ts';

/** docs/format.md section 5.1. */
const ModelDocument = z.lazy(() =>
  z.looseObject({
    schema: z.literal('mlops.model/1'),
    model: ModelName,
    description: z.string().optional(),
    owner: z.string().optional(),
    riskTier: z.string().optional(),
    tags: z.record(z.string(), z.string()).optional(),
  }),
);

export type ModelDocument = z.output<typeof ModelDocument>;

/** Checks the bytes of `model.json`. @throws as `parseDocument`; IntegrityError `DOCUMENT_INVALID` for that of another model */
export function parseModelDocument(bytes: Uint8Array, model: string): ModelDocument {
  const path = gitPath(modelPath(model));
  const found = parseDocument(bytes, ModelDocument, { path, canonical: false });
  if (found.model === model) return found;
  throw new IntegrityError('DOCUMENT_INVALID', `${path}: is about the model ${found.model}`, {
    hint: `restore it from Git: git checkout HEAD -- ${path}`,
  });
}

/** Why `model.json` of the model can't be trusted; a model without one, as an old clone may have it, is fine. */
export async function modelDocumentProblem(
  { documents }: Repository,
  model: string,
): Promise<MlopsError | undefined> {
  try {
    const bytes = await documents.read(modelPath(model));
    if (bytes === undefined) return undefined;
    parseModelDocument(bytes, model);
    return undefined;
  } catch (error) {
    if (error instanceof MlopsError) return error;
    throw error;
  }
}
