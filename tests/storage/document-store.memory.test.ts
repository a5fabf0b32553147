import { createMemoryDocumentStore } from '../../src/storage/memory/document-store.ts';
import { runDocumentStoreSuite } from './document-store.suite.ts';

runDocumentStoreSuite('memory', async () => ({
  store: createMemoryDocumentStore(),
  settle: () => undefined,
}));
