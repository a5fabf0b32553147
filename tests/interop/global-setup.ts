import { prepareInteropEnvironment } from '../../scripts/interop-venv.mjs';

declare module 'vitest' {
  interface ProvidedContext {
    /** The Python interpreter that has the packages of requirements.txt. */
    interopPython: string;
  }
}

interface Project {
  provide(key: 'interopPython', value: string): void;
}

/** Makes the virtual environment once per run; a failure ends the run with the reason. */
export function setup(project: Project): void {
  project.provide('interopPython', prepareInteropEnvironment());
}
