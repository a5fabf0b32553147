export { compareSides } from './compare.ts';
export type { CompareOptions } from './compare.ts';
export { DriftReport } from './report.ts';
export type { Side, SideColumn, SideFacts } from './side.ts';
