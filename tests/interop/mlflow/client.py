"""Uses MLflow's client as any training script does, against the server of MLFLOW_TRACKING_URI."""

import math
import os
import tempfile

import mlflow
import mlflow.sklearn
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

is3 = mlflow.__version__.startswith("3.")
client = MlflowClient()


def refused(call, code):
    try:
        call()
    except MlflowException as error:
        assert error.error_code == code, error
        return
    raise AssertionError(f"expected {code}")


experiment = mlflow.set_experiment("iris").experiment_id
with mlflow.start_run(run_name="first") as outer:
    mlflow.log_params({"depth": 10, "kind": "tree"})
    mlflow.log_metric("m", 0.5, step=1)
    mlflow.log_metrics({"m": 0.7, "n": math.nan}, step=2)
    mlflow.set_tag("team", "risk")
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "note.txt")
        with open(path, "w") as file:
            file.write("hello")
        mlflow.log_artifact(path, "some notes")
    with mlflow.start_run(nested=True) as inner:
        mlflow.log_param("depth", 3)
run = outer.info.run_id

assert client.get_run(inner.info.run_id).data.tags["mlflow.parentRunId"] == run
found = client.search_runs(
    [experiment], "metrics.m > 0.6 and params.depth = '10' and tags.team LIKE 'r%'", order_by=["metrics.m DESC"]
)
assert [each.info.run_id for each in found] == [run]
assert math.isnan(found[0].data.metrics["n"])
assert [(each.value, each.step) for each in client.get_metric_history(run, "m")] == [(0.5, 1), (0.7, 2)]
with open(mlflow.artifacts.download_artifacts(run_id=run, artifact_path="some notes/note.txt")) as file:
    assert file.read() == "hello"
refused(lambda: client.log_param(run, "depth", 11), "INVALID_PARAMETER_VALUE")
refused(lambda: client.search_runs([experiment], "metrics.m >"), "INVALID_PARAMETER_VALUE")
refused(lambda: client.get_run("0" * 32), "RESOURCE_DOES_NOT_EXIST")

client.delete_run(inner.info.run_id)
assert client.get_run(inner.info.run_id).info.lifecycle_stage == "deleted"
client.restore_run(inner.info.run_id)
client.delete_tag(run, "team")
client.set_experiment_tag(experiment, "owner", "risk")
client.rename_experiment(experiment, "flowers")
assert {"flowers", "Default"} <= {each.name for each in client.search_experiments()}

X, y = load_iris(return_X_y=True)
mlflow.sklearn.autolog(log_models=False)
with mlflow.start_run() as automatic:
    model = LogisticRegression(max_iter=300).fit(X, y)
mlflow.sklearn.autolog(disable=True)
logged = client.get_run(automatic.info.run_id).data
assert logged.metrics["training_accuracy_score"] > 0.9 and logged.params["max_iter"] == "300"


def same(uri):
    assert (mlflow.sklearn.load_model(uri).predict(X) == model.predict(X)).all(), uri


with mlflow.start_run() as last:
    # The default format of 3.x needs one more package.
    options = {"name": "model", "serialization_format": "cloudpickle"} if is3 else {"artifact_path": "model"}
    info = mlflow.sklearn.log_model(model, **options)
same(f"runs:/{last.info.run_id}/model")
version = mlflow.register_model(info.model_uri, "churn").version
client.set_registered_model_alias("churn", "champion", version)
client.transition_model_version_stage("churn", version, "Production")
for uri in ["models:/churn@champion", f"models:/churn/{version}", "models:/churn/latest", "models:/churn/Production"]:
    same(uri)
client.set_model_version_tag("churn", version, "checked", "yes")
client.update_model_version("churn", version, "the first")
client.set_registered_model_tag("churn", "team", "risk")
[registered] = client.search_registered_models("name LIKE 'ch%'")
assert registered.tags == {"team": "risk"}
[only] = client.search_model_versions("name = 'churn'")
assert only.description == "the first" and only.tags["checked"] == "yes" and only.run_id == last.info.run_id
print("everything went as it does with MLflow's own server")
