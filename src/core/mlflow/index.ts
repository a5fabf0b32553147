export { deleteArtifact, listArtifacts, openArtifact, putArtifact } from './artifacts.ts';
export type { Reply, Tracking } from './endpoint.ts';
export { MlflowError, toMlflowError } from './errors.ts';
export { findEndpoint } from './routes.ts';
export type { FoundEndpoint } from './routes.ts';
