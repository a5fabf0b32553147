export { diagnose } from './doctor.ts';
export type { Diagnosis } from './doctor.ts';
export { parseSample } from './sample.ts';
export { unlock } from './unlock.ts';
export { verify } from './verify.ts';
export type { Verification } from './verify.ts';
