import { commitSection } from '../../registry/commit-section.ts';
import { loadRepositoryLog } from '../../audit/index.ts';
import { assertWritable } from '../../repository/format.ts';
import type { Repository } from '../../repository/repository.ts';
import type { DriftReport } from '../report.ts';
import { encodeReport, reportPath } from './kept-report.ts';

/** The type of the event that says that a report was kept. */
export const REPORT_EVENT = 'drift-checked';
/** What its evidence calls the report. */
export const REPORT_EVIDENCE = 'drift-report';

export interface KeptReport {
  readonly id: string;
  /** Path below `.mlops`. */
  readonly path: string;
  /** `sha256:<64 hex>` of the file. */
  readonly digest: string;
  /** Id of the event. */
  readonly event: string;
  /** Columns that were kept without their charts, because a document may have 10 MiB at most. */
  readonly simplified: number;
  /** Paths below the Git root to hand to Git. */
  readonly written: readonly string[];
}

/**
 * Keeps a report in the repository: the document, then the event of the audit trail that has its digest as evidence.
 *
 * @throws UsageError `LIMIT_EXCEEDED`; and whatever `commitSection` throws
 */
export async function keepReport(
  repository: Repository,
  report: DriftReport,
  { reason }: { reason?: string | undefined } = {},
): Promise<KeptReport> {
  assertWritable(repository.unknownFeatures);
  const { id, bytes, digest, simplified } = encodeReport(report, repository.now());
  const path = reportPath(id);
  const { result: event, written } = await commitSection(repository, 'drift --save', async (section) => {
    const { heads } = await loadRepositoryLog(repository.documents);
    await section.create(path, bytes);
    const said = {
      type: REPORT_EVENT,
      subject: { report: id },
      evidence: [{ type: REPORT_EVIDENCE, digest }],
      ...(reason === undefined ? {} : { reason }),
    };
    return (await section.appendRepositoryEvent(said, heads)).id;
  });
  return { id, path, digest, event, simplified, written };
}
