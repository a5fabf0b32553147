import { prepareInteropEnvironment } from '../../scripts/interop-venv.mjs';

declare module 'vitest' {
  interface ProvidedContext {
    /** The Python interpreter that has the packages of requirements.txt. */
    interopPython: string;
    /** The Python interpreter that has the packages of s3/requirements.txt. */
    s3Python: string;
  }
}

interface Project {
  provide(key: 'interopPython' | 's3Python', value: string): void;
}

/** Makes the virtual environments once per run; a failure ends the run with the reason. */
export function setup(project: Project): void {
  project.provide('interopPython', prepareInteropEnvironment('interop'));
  project.provide('s3Python', prepareInteropEnvironment('s3'));
}
