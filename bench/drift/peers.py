"""One drift report of another tool on the same files: peers.py TOOL REFERENCE CURRENT, or peers.py TOOL --version."""

import sys

import pandas


def read(path):
    return pandas.read_parquet(path) if path.endswith(".parquet") else pandas.read_csv(path)


def evidently(reference, current):
    from evidently import Report
    from evidently.presets import DataDriftPreset

    Report([DataDriftPreset()]).run(current, reference).dict()


def nannyml(reference, current):
    from nannyml.drift.univariate import UnivariateDriftCalculator

    calculator = UnivariateDriftCalculator(column_names=list(reference.columns))
    calculator.fit(reference)
    calculator.calculate(current).to_df()


def deepchecks(reference, current):
    from deepchecks.tabular import Dataset
    from deepchecks.tabular.checks import FeatureDrift

    categorical = [name for name in reference.columns if not pandas.api.types.is_numeric_dtype(reference[name])]
    sides = (Dataset(side, cat_features=categorical) for side in (reference, current))
    FeatureDrift().run(*sides)


tool, *paths = sys.argv[1:]
if paths == ["--version"]:
    from importlib.metadata import version

    print(version(tool))
else:
    {"evidently": evidently, "nannyml": nannyml, "deepchecks": deepchecks}[tool](*(read(path) for path in paths))
