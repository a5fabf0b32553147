/**
 * What every remote holds at its root: tells a remote from an empty mount point, and is the object by which a store is asked whether
 * it honours create-only writes. Its content never changes.
 */
export const MARKER_NAME = 'mlops-remote.json';
export const MARKER_BYTES = Buffer.from('{\n  "schema": "mlops.remote/1"\n}\n');
