"""The scikit-learn variant of train.mjs: the same data/train.csv and data/test.csv, the same metrics, saved with joblib.

    python train_sklearn.py [--trees 200] [--out build/sklearn] [--metrics metrics.json]
    python train_sklearn.py --evaluate build/sklearn [--metrics metrics.json]

The second form loads a saved model instead of training one and only measures it.
"""

import argparse
import csv
import json
from pathlib import Path

import joblib
import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

TARGET = "target"
CATEGORICAL = ["size", "phase", "time_of_day", "operator", "aircraft", "species"]
MODEL_FILE = "model.joblib"


def read_csv(path):
    """The features as a table of objects, speed first (NaN where it is missing), and the labels."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    features = [[float(row["speed"] or "nan"), *(row[name] for name in CATEGORICAL)] for row in rows]
    return np.array(features, dtype=object), np.array([int(row[TARGET]) for row in rows])


def train(features, labels, trees, seed):
    columns = ColumnTransformer(
        [
            ("speed", SimpleImputer(strategy="median", add_indicator=True), [0]),
            ("categories", OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=60), slice(1, None)),
        ]
    )
    # class_weight: about 3 % of the rows are positive, and without it 0.5 would be a threshold that nothing reaches.
    forest = RandomForestClassifier(
        n_estimators=trees, min_samples_leaf=5, class_weight="balanced", random_state=seed
    )
    return make_pipeline(columns, forest).fit(features, labels)


def evaluate(model, features, labels):
    scores = model.predict_proba(features)[:, 1]
    decided = scores >= 0.5
    metrics = {
        "accuracy": accuracy_score(labels, decided),
        "precision": precision_score(labels, decided, zero_division=0),
        "recall": recall_score(labels, decided),
        "f1": f1_score(labels, decided),
        "roc_auc": roc_auc_score(labels, scores),
        "average_precision": average_precision_score(labels, scores),
    }
    return {name: round(float(value), 6) for name, value in metrics.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", default="data/train.csv")
    parser.add_argument("--test", default="data/test.csv")
    parser.add_argument("--out", default="build/sklearn")
    parser.add_argument("--metrics", default="metrics.json")
    parser.add_argument("--trees", type=int, default=200)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--evaluate", metavar="DIRECTORY", help="measure this saved model instead of training one")
    options = parser.parse_args()

    if options.evaluate is not None:
        # joblib files are pickles: loading one runs the code in it. Load only what you or your team saved.
        model = joblib.load(Path(options.evaluate) / MODEL_FILE)
    else:
        model = train(*read_csv(options.train), trees=options.trees, seed=options.seed)
        Path(options.out).mkdir(parents=True, exist_ok=True)
        joblib.dump(model, Path(options.out) / MODEL_FILE)

    metrics = evaluate(model, *read_csv(options.test))
    Path(options.metrics).write_text(json.dumps(metrics, indent=2) + "\n")
    print(json.dumps(metrics))


if __name__ == "__main__":
    main()
