import type { Draft } from '../inspection.ts';
import { listed, printable } from '../printable.ts';
import { classOf, modernName } from './class-of.ts';
import { frameworkOf, judgeImport } from './imports.ts';
import { warnOfStructure, type PickleReport } from './read-pickle.ts';

/** Puts what a report tells into a draft: class, modules, versions, and warnings about imports and structure. */
export function describePickle(draft: Draft, report: PickleReport): void {
  const { findings, results, protocol } = report;
  const first = results[0];
  const topClass = first === undefined ? undefined : classOf(first);
  draft.details['protocol'] = protocol;
  if (topClass !== undefined) draft.details['class'] = printable(topClass);
  draft.details['modules'] = listed(topModules(report));
  if (findings.versions.size > 0) draft.details['versions'] = versionsOf(findings.versions);
  if (report.arrays > 0) draft.details['arrays'] = report.arrays;
  if (results.length > 1) {
    draft.details['pickles'] = results.length;
    draft.warnings.push(`${results.length} pickles follow one another in the file`);
  }
  const framework = frameworkOf(topClass, findings.imports);
  if (draft.framework === 'unknown') draft.framework = framework;
  warnOfImports(draft, report);
  warnOfStructure(draft, report);
}

/** Warns of imports that run code and lists those outside the known libraries in `details.unknownImports`. */
export function warnOfImports(draft: Draft, report: PickleReport): void {
  const unknown: string[] = [];
  const suspicious: string[] = [];
  const paths = [...report.findings.attributePaths].map((path) => path.replace(':', '.'));
  for (const name of report.findings.imports) {
    const verdict = judgeImport(name);
    if (verdict === 'known' && !paths.includes(name)) continue;
    (verdict === 'suspicious' ? suspicious : unknown).push(modernName(name));
  }
  for (const name of listed(suspicious)) {
    draft.warnings.push(`names ${name}: loading this file would run code`);
  }
  if (unknown.length + suspicious.length > 0) {
    // An archive can hold several pickles: their lists are joined.
    const before = draft.details['unknownImports'];
    const earlier = Array.isArray(before) ? before.filter((name) => typeof name === 'string') : [];
    draft.details['unknownImports'] = listed([...earlier, ...unknown, ...suspicious]);
  }
  if (unknown.length > 0) {
    const names = listed(unknown);
    const more = names.length > 5 ? ` and ${names.length - 5} more` : '';
    draft.warnings.push(
      `names ${names.slice(0, 5).join(', ')}${more}, not of a known machine-learning library: loading this file imports them and may run code`,
    );
  }
}

function topModules(report: PickleReport): string[] {
  return [...report.findings.imports]
    .map((name) => modernName(name).split('.')[0] ?? '')
    .filter((module) => !['builtins', 'copyreg', '_codecs'].includes(module));
}

const VERSION_NAMES: ReadonlyMap<string, string> = new Map([
  ['_sklearn_version', 'scikit-learn'],
  ['pytorch-lightning_version', 'pytorch-lightning'],
  ['catboost_version', 'catboost'],
  ['xgboost_version', 'xgboost'],
]);

function versionsOf(versions: ReadonlyMap<string, string>): Record<string, string> {
  return Object.fromEntries(
    [...versions].map(([key, version]) => [VERSION_NAMES.get(key) ?? printable(key), printable(version)]),
  );
}
