import { prepareInteropEnvironment } from '../../scripts/interop-venv.mjs';

declare module 'vitest' {
  interface ProvidedContext {
    /** The Python interpreter that has the packages of requirements.txt. */
    interopPython: string;
    /** The Python interpreter that has the packages of s3/requirements.txt. */
    s3Python: string;
    /** Interpreters that have a client of MLflow 2 and of MLflow 3. */
    mlflow2Python: string;
    mlflow3Python: string;
  }
}

interface Project {
  provide(key: 'interopPython' | 's3Python' | 'mlflow2Python' | 'mlflow3Python', value: string): void;
}

/** Makes the virtual environments once per run; a failure ends the run with the reason. */
export function setup(project: Project): void {
  project.provide('interopPython', prepareInteropEnvironment('interop'));
  project.provide('s3Python', prepareInteropEnvironment('s3'));
  project.provide('mlflow2Python', prepareInteropEnvironment('mlflow2'));
  project.provide('mlflow3Python', prepareInteropEnvironment('mlflow3'));
}
