'use strict';

// How the program's one script is compiled, for the launcher and for the build, which must do the same.

/** As Node wraps a CommonJS module. */
function wrap(source) {
  return `(function (exports, require, module, __filename) {${source}\n})`;
}

/** V8 takes a code cache of the very same version only. */
function cachePath(script) {
  return `${script}.${process.versions.v8}-${process.arch}.cache`;
}

/** The script's name in stack traces. The code cache keeps it, so it is no path of the machine that made the cache. */
const SCRIPT_NAME = 'mlops/dist/main.cjs';

module.exports = { cachePath, SCRIPT_NAME, wrap };
