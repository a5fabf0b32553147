import * as z from 'zod';
import type { Transferred } from '../../storage/artifact-transfer.ts';

/** What `push`, `fetch` and `pull` say of the objects they moved; published in docs/json-output.md. */
export const TransferReport = z.lazy(() =>
  z.object({
    remote: z.object({ name: z.string(), url: z.string() }),
    dryRun: z.boolean(),
    /** Each may have several names; `transferred`: something of it had to be moved. */
    artifacts: z.object({ total: z.number(), transferred: z.number() }),
    /** Packs, manifests and layouts. */
    objects: z.object({ total: z.number(), transferred: z.number(), skipped: z.number() }),
    bytes: z.object({ total: z.number(), transferred: z.number() }),
    versions: z.array(
      z.object({ model: z.string(), version: z.string(), digest: z.string(), transferred: z.boolean() }),
    ),
    data: z.array(z.object({ path: z.string(), digest: z.string(), transferred: z.boolean() })),
    /** Named by the repository and neither here nor on the remote. */
    absent: z.array(z.object({ digest: z.string(), names: z.array(z.string()) })),
  }),
);
export type TransferReport = z.output<typeof TransferReport>;

export interface ReportedArtifact {
  digest: string;
  names: readonly string[];
  versions: readonly { model: string; version: string }[];
  data: readonly string[];
}

export function reportTransfer(
  artifacts: readonly ReportedArtifact[],
  { objects, bytes, changed, absent }: Transferred,
  { name, url, dryRun }: { name: string; url: string; dryRun: boolean },
): TransferReport {
  const moved = new Set(changed);
  const lost = new Set(absent);
  const there = artifacts.filter(({ digest }) => !lost.has(digest));
  return {
    remote: { name, url },
    dryRun,
    artifacts: { total: there.length, transferred: moved.size },
    objects: { ...objects },
    bytes: { ...bytes },
    versions: there.flatMap(({ digest, versions }) =>
      versions.map((version) => ({ ...version, digest, transferred: moved.has(digest) })),
    ),
    data: there.flatMap(({ digest, data }) =>
      data.map((path) => ({ path, digest, transferred: moved.has(digest) })),
    ),
    absent: artifacts
      .filter(({ digest }) => lost.has(digest))
      .map(({ digest, names }) => ({ digest, names: [...names] })),
  };
}

/** Calls an artifact what people know it by; for messages. */
export function namesByDigest(artifacts: readonly ReportedArtifact[]): (digest: string) => string {
  const names = new Map(artifacts.map((artifact) => [artifact.digest, artifact.names.join(', ')]));
  return (digest) => names.get(digest) ?? digest;
}
