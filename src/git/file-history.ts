import type { HistoricFile } from './git.ts';
import { isObjectId, resolveNames } from './objects.ts';
import { streamGitOutput, type GitPlace } from './run-git.ts';

/** See `Git.filesEver`. */
export async function filesEver(place: GitPlace, directory: string): Promise<HistoricFile[]> {
  // Without `--full-history` git leaves out a side of a merge of which the result took nothing.
  const args = ['rev-list', '--objects', '--full-history', '--all', '--reflog'];
  const chunks: Buffer[] = [];
  await streamGitOutput(place, [...args, '--', `:(top,literal)${directory}`], {
    onBytes: (bytes) => void chunks.push(bytes),
  });
  const objects: HistoricFile[] = [];
  for (const line of Buffer.concat(chunks).toString('utf8').split('\n')) {
    const space = line.indexOf(' ');
    const [id, path] = [line.slice(0, space), line.slice(space + 1)];
    if (space > 0 && isObjectId(id) && path.startsWith(`${directory}/`)) objects.push({ id, path });
  }
  // Trees are listed just as files are.
  const types = await resolveNames(
    place,
    objects.map(({ id }) => id),
  );
  return objects.filter(({ id }) => types.get(id)?.type === 'blob');
}
