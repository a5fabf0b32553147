import { modernName } from './class-of.ts';

export type ImportVerdict = 'known' | 'unknown' | 'suspicious';

/**
 * Modules whose functions run code, open files or sockets, or load further pickles; each covers its submodules. The list only
 * chooses the wording: whatever is not known to belong to a machine-learning library is reported anyway.
 */
const SUSPICIOUS_MODULES = new Set(
  `os posix nt ntpath posixpath subprocess sys runpy pty socket shutil importlib imp ctypes _ctypes pkgutil pickle _pickle
  cPickle dill cloudpickle marshal code codeop bdb pdb cProfile profile timeit trace webbrowser urllib urllib2 http httplib
  requests aiohttp httpx asyncio multiprocessing threading _thread signal operator _operator pip ensurepip venv 
  linecache logging imaplib smtplib ftplib telnetlib poplib nntplib ssl pydoc doctest unittest idlelib
  lib2to3 distutils setuptools sysconfig commands popen2 _pyrepl _osx_support _aix_support _posixsubprocess 
  zipimport site atexit xmlrpc socketserver shelve sqlite3 fileinput glob numpy.f2py numpy.testing
  numpy.distutils torch.hub torch.utils torch.distributed torch.jit torch._dynamo torch._inductor
  joblib.parallel joblib.externals pandas.io pandas.eval`.split(/\s+/),
);
const SUSPICIOUS_BUILTINS = new Set(
  `eval exec compile getattr setattr delattr open __import__ globals locals vars breakpoint input apply execfile file reload help`.split(
    /\s+/,
  ),
);
const SAFE_BUILTINS = new Set(
  `object set frozenset list dict tuple int float complex bool str bytes bytearray slice range NoneType Ellipsis unicode long
  xrange`.split(/\s+/),
);

const LIBRARIES = new Set(
  `sklearn numpy scipy pandas xgboost lightgbm catboost _catboost statsmodels torch torchvision torchaudio keras tensorflow
  transformers joblib imblearn category_encoders skl2onnx prophet pmdarima sktime mlxtend hdbscan umap patsy`.split(
    /\s+/,
  ),
);

/** Module functions that these libraries' own pickles call to rebuild data. Lower case otherwise stays unknown. */
const KNOWN_FUNCTIONS = [
  /^copyreg\.(?:_reconstructor|__newobj__|__newobj_ex__)$/,
  /^collections\.(?:OrderedDict|defaultdict|Counter|deque)$/,
  /^datetime\.(?:datetime|date|time|timedelta|timezone)$/,
  /^(?:decimal\.Decimal|fractions\.Fraction|_codecs\.encode)$/,
  /^numpy\.(?:dtype|ndarray|matrix|bool_?|object_?|str_|bytes_|u?int(?:8|16|32|64)|float(?:16|32|64|128)|complex(?:64|128))$/,
  /^numpy\.(?:core|_core)\.(?:multiarray\.(?:_reconstruct|scalar)|numeric\._frombuffer|_internal\._convert_to_ctypes)$/,
  /^numpy\.(?:ma\.core\._mareconstruct|random\._pickle\.__(?:randomstate|generator|bit_generator)_ctor)$/,
  /^numpy\.random\.bit_generator\.__pyx_unpickle_SeedSequence$/,
  /^numpy\.(?:log1p|expm1|exp|log|sqrt|cbrt|square|log2|log10|abs|absolute|mean|median|max|min|sum|std|var)$/,
  /^sklearn\.(?:neighbors|metrics)\.[a-z_.]*\.newObj$/,
  /^sklearn\.feature_selection\._univariate_selection\.(?:f_classif|f_regression|chi2|f_oneway)$/,
  /^sklearn\._loss\.link\.[A-Za-z]+$/,
  /^sklearn\._loss\._loss\.__pyx_unpickle_Cy[A-Za-z]+$/,
  /^pandas\._libs\.(?:internals\._unpickle_block|arrays\.__pyx_unpickle_NDArrayBacked|tslibs\.[a-z_]+\._[a-z_]*unpickle[a-z_]*)$/,
  /^pandas\.core\.(?:indexes\.base\._new_Index|indexes\.datetimes\._new_DatetimeIndex|internals\.blocks\.new_block)$/,
  /^torch\._utils\._rebuild_(?:tensor(?:_v2|_v3)?|parameter(?:_with_state)?|qtensor|sparse_tensor)$/,
  /^torch\.(?:device|dtype|float(?:16|32|64)?|bfloat16|half|double|u?int(?:8|16|32|64)?|long|short|bool)$/,
];

/** How an import is to be read. `known` means "part of a listed library", not "harmless". */
export function judgeImport(global: string): ImportVerdict {
  const full = modernName(global);
  const dot = full.lastIndexOf('.');
  const module = full.slice(0, dot);
  const name = full.slice(dot + 1);
  if (module === 'builtins' || full.startsWith('builtins.')) {
    if (module === 'builtins' && SAFE_BUILTINS.has(name)) return 'known';
    return SUSPICIOUS_BUILTINS.has(full.slice(9).split('.')[0] ?? '') ? 'suspicious' : 'unknown';
  }
  if (isSuspiciousModule(module)) return 'suspicious';
  if (KNOWN_FUNCTIONS.some((pattern) => pattern.test(full))) return 'known';
  const library = full.slice(0, full.indexOf('.'));
  return LIBRARIES.has(library) && /^_?[A-Z][A-Za-z0-9_]*$/.test(name) && /^[a-z0-9_.]+$/i.test(module)
    ? 'known'
    : 'unknown';
}

function isSuspiciousModule(module: string): boolean {
  const parts = module.split('.');
  return parts.some((_, index) => SUSPICIOUS_MODULES.has(parts.slice(0, index + 1).join('.')));
}

/** Frameworks by top-level module, most telling first: a pipeline around a booster is told by its class, not by this order. */
const FRAMEWORKS: readonly (readonly [RegExp, string])[] = [
  [/^xgboost$/, 'xgboost'],
  [/^lightgbm$/, 'lightgbm'],
  [/^_?catboost$/, 'catboost'],
  [/^torch(?:vision|audio)?$|^pytorch_lightning$/, 'torch'],
  [/^keras$/, 'keras'],
  [/^tensorflow$/, 'tensorflow'],
  [/^statsmodels$/, 'statsmodels'],
  [/^transformers$/, 'transformers'],
  [/^prophet$/, 'prophet'],
  [/^sklearn$|^imblearn$/, 'sklearn'],
  [/^scipy$/, 'scipy'],
  [/^pandas$/, 'pandas'],
  [/^numpy$/, 'numpy'],
];

/** The framework of a pickle: that of its top-level class, else the most telling among its imports. */
export function frameworkOf(topClass: string | undefined, imports: Iterable<string>): string {
  const direct = frameworkOfModule((topClass ?? '').split('.')[0] ?? '');
  if (direct !== undefined && direct !== 'numpy') return direct;
  const modules = [...imports].map((name) => name.split('.')[0] ?? '');
  for (const [pattern, framework] of FRAMEWORKS) {
    if (modules.some((module) => pattern.test(module))) return framework;
  }
  return 'unknown';
}

function frameworkOfModule(module: string): string | undefined {
  return FRAMEWORKS.find(([pattern]) => pattern.test(module))?.[1];
}
