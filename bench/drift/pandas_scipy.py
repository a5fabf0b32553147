"""What people write by hand: a KS test for each numeric column, chi-square for each other one. pandas_scipy.py REFERENCE CURRENT"""

import sys

import pandas
from scipy.stats import chi2_contingency, ks_2samp


def read(path):
    return pandas.read_parquet(path) if path.endswith(".parquet") else pandas.read_csv(path)


reference, current = (read(path) for path in sys.argv[1:])
for name in reference.columns:
    before, after = reference[name].dropna(), current[name].dropna()
    if pandas.api.types.is_numeric_dtype(before):
        p = ks_2samp(before, after).pvalue
    else:
        counts = pandas.concat([before.value_counts(), after.value_counts()], axis=1).fillna(0)
        p = chi2_contingency(counts.T).pvalue
    print(name, p)
