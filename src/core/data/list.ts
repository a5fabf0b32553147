import type { Repository } from '../repository/repository.ts';
import type { DataPointer } from './pointer.ts';
import { loadPointers, type PointerProblem } from './pointers.ts';

export interface ListedData extends DataPointer {
  /** Whether its bytes are in this clone; proves presence, not content. */
  readonly present: boolean;
}

/** The tracked data of the work tree, sorted by path, and the pointers that can't be used. */
export async function listData(
  repository: Repository,
): Promise<{ data: ListedData[]; problems: readonly PointerProblem[] }> {
  const { pointers, problems } = await loadPointers(repository.documents);
  const data: ListedData[] = [];
  if (pointers.length > 0) {
    const artifacts = await repository.artifacts();
    const known = new Map<string, boolean>();
    for (const pointer of pointers) {
      const present = known.get(pointer.digest) ?? (await artifacts.present(pointer.digest));
      known.set(pointer.digest, present);
      data.push({ ...pointer, present });
    }
  }
  return { data, problems };
}
