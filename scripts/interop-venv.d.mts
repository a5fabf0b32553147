/**
 * Makes `.venv/<name>` for the pinned requirements of that group of tests when it is not there, and gives the path of its
 * interpreter. `interop` (the default) has the Python libraries whose models are read, `s3` the S3 servers.
 *
 * @throws Error with the failing step and the last lines of its output
 */
export function prepareInteropEnvironment(name?: 'interop' | 's3' | 'mlflow2' | 'mlflow3'): string;
