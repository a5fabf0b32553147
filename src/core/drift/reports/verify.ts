import type { DocumentStore } from '../../../storage/document-store.ts';
import type { EventLog, RepositoryEvent } from '../../audit/index.ts';
import { DRIFT_REPORTS_DIRECTORY, gitPath } from '../../repository/layout.ts';
import { isReportId, parseReport, reportPath } from './kept-report.ts';
import { REPORT_EVENT, REPORT_EVIDENCE } from './keep.ts';
import { MlopsError } from '../../../errors.ts';
import { digestOf } from '../../repository/digest.ts';

export interface VerifiedReports {
  readonly reports: number;
  readonly damage: readonly { path: string; digest: string | null; problem: string }[];
  /** Worth knowing, and no damage. */
  readonly notices: readonly string[];
}

/**
 * Reads every kept report and holds it against the events of the repository (docs/format.md 5.10). Damage is returned, not thrown.
 */
export async function verifyReports(
  documents: DocumentStore,
  log: Pick<EventLog<RepositoryEvent>, 'newestFirst'>,
): Promise<VerifiedReports> {
  const events = reportEvents(log);
  const damage: { path: string; digest: string | null; problem: string }[] = [];
  const notices: string[] = [];
  const there = new Set<string>();
  let reports = 0;
  for (const file of await documents.readDirectory(DRIFT_REPORTS_DIRECTORY)) {
    const path = gitPath(`${DRIFT_REPORTS_DIRECTORY}/${file.name}`);
    const id = file.name.slice(0, -'.json'.length);
    there.add(id);
    try {
      const bytes = file.read();
      parseReport(bytes, file.name);
      reports += 1;
      const said = events.get(id);
      const digest = digestOf(bytes);
      if (said === undefined) {
        notices.push(
          `${path}: no event says that it was kept, so it was put there by hand or a command was interrupted`,
        );
      } else if (!said.has(digest)) {
        damage.push({ path, digest, problem: 'has other bytes than the event that says that it was kept' });
      }
    } catch (error) {
      if (!(error instanceof MlopsError)) throw error;
      damage.push({ path, digest: null, problem: error.message });
    }
  }
  for (const id of events.keys()) {
    if (!there.has(id)) notices.push(`${gitPath(reportPath(id))} was kept once and is gone; its event stays`);
  }
  return { reports, damage, notices };
}

/** Digests of the reports that events speak of, by id. */
function reportEvents({
  newestFirst,
}: Pick<EventLog<RepositoryEvent>, 'newestFirst'>): Map<string, Set<string>> {
  const events = new Map<string, Set<string>>();
  for (const { type, subject, evidence } of newestFirst) {
    const id = subject['report'];
    if (type !== REPORT_EVENT || typeof id !== 'string' || !isReportId(id)) continue;
    const digests = events.get(id) ?? new Set<string>();
    for (const each of evidence) if (each.type === REPORT_EVIDENCE) digests.add(each.digest);
    events.set(id, digests);
  }
  return events;
}
