/**
 * What every command needs to open the repository on this disk, as one module: each module of its own would cost a
 * millisecond at start-up. For `context.ts` only.
 */
export { loadConfig } from '../config/load.ts';
export { findRepositoryRoot } from '../core/repository/find.ts';
export { openRepository } from '../core/repository/open.ts';
export { createLocalDocumentStore } from '../storage/local/document-store.ts';
