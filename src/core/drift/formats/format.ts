import type { DriftReport } from '../report.ts';
import { jsonReport } from './json.ts';

/** The documents that a report can be turned into; `table` is for a terminal and made by the commands. */
export const DOCUMENT_FORMATS = ['json', 'md', 'html', 'junit', 'github', 'prometheus'] as const;
export type DocumentFormat = (typeof DOCUMENT_FORMATS)[number];

export interface DocumentContext {
  /** When the comparison was made. */
  readonly time: Date;
  /** Name and version of the program: `mlops/1.0.0`. */
  readonly tool: string;
  /** The model that the data belong to, if it is known. */
  readonly model?: string | undefined;
  /** How long the comparison took, in seconds. */
  readonly duration?: number | undefined;
}

/** The report as a text in this format. Only the renderer that is asked for is loaded. */
export async function renderReport(
  report: DriftReport,
  format: DocumentFormat,
  context: DocumentContext,
): Promise<string> {
  switch (format) {
    case 'json':
      return jsonReport(report);
    case 'md':
      return (await import('./markdown.ts')).markdownReport(report);
    case 'html':
      return (await import('./html.ts')).htmlReport(report, context);
    case 'junit':
      return (await import('./junit.ts')).junitReport(report);
    case 'github':
      return (await import('./github.ts')).githubReport(report);
    case 'prometheus':
      return (await import('./prometheus.ts')).prometheusReport(report, context);
  }
}

const FORMATS_BY_EXTENSION: ReadonlyMap<string, DocumentFormat> = new Map([
  ['json', 'json'],
  ['md', 'md'],
  ['markdown', 'md'],
  ['html', 'html'],
  ['htm', 'html'],
  ['xml', 'junit'],
  ['prom', 'prometheus'],
]);

/** The format that the name of a file calls for; undefined where its ending says nothing. */
export function formatOfFile(path: string): DocumentFormat | undefined {
  const extension = /\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase();
  return extension === undefined ? undefined : FORMATS_BY_EXTENSION.get(extension);
}
