/**
 * Makes `.venv/interop` for the pinned requirements when it is not there, and gives the path of its interpreter.
 *
 * @throws Error with the failing step and the last lines of its output
 */
export function prepareInteropEnvironment(): string;
