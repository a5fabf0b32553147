declare const MLOPS_VERSION: string;

/** Version of this package; put in by the bundler and by vitest's configuration, both from package.json. */
export const VERSION = MLOPS_VERSION;
