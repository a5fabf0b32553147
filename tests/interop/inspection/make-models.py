"""Trains small real models and saves each in the formats of its library, into the directory given as argument."""

import json
import pathlib
import pickle
import sys

import catboost
import gguf
import h5py
import joblib
import lightgbm
import numpy as np
import onnx
import pandas as pd
import xgboost
from safetensors.numpy import save_file
from skl2onnx import to_onnx
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

target = pathlib.Path(sys.argv[1])
random = np.random.default_rng(7)
x = random.normal(size=(120, 4)).astype(np.float32)
y = (x[:, 0] + x[:, 1] > 0).astype(int)
frame = pd.DataFrame({"age": x[:, 0], "kind": np.where(y == 1, "a", "b")})

forest = RandomForestClassifier(n_estimators=5, random_state=0).fit(x, y)
pipeline = make_pipeline(StandardScaler(), SVC()).fit(x, y)
columns = make_pipeline(
    ColumnTransformer([("n", StandardScaler(), ["age"]), ("c", OneHotEncoder(), ["kind"])]), LogisticRegression()
).fit(frame, y)
estimators = {
    "forest": forest,
    "pipeline": pipeline,
    "columns": columns,
    "hist": HistGradientBoostingClassifier(max_iter=5).fit(x, y),
    "boost": GradientBoostingClassifier(n_estimators=5).fit(x, y),
    "knn": KNeighborsClassifier().fit(x, y),
    "mlp": MLPClassifier(max_iter=20).fit(x, y),
    "text": make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(["good day", "bad day"] * 5, [1, 0] * 5),
}
for name, estimator in estimators.items():
    joblib.dump(estimator, target / f"{name}.joblib")
    (target / f"{name}.pkl").write_bytes(pickle.dumps(estimator))
for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
    (target / f"forest-p{protocol}.pkl").write_bytes(pickle.dumps(forest, protocol=protocol))
for compression in ("zlib", "gzip", "bz2", "lzma", "xz"):
    joblib.dump(forest, target / f"forest-{compression}.joblib", compress=(compression, 3))
joblib.dump({"model": forest, "frame": frame, "labels": np.array(["a", "b"], dtype=object)}, target / "bundle.joblib")

onnx.save(to_onnx(pipeline, x[:1]), target / "pipeline.onnx")
weights = onnx.numpy_helper.from_array(np.ones((300, 4), np.float32), "w")
graph = onnx.helper.make_graph(
    [onnx.helper.make_node("Gemm", ["x", "w"], ["y"], transB=1)],
    "linear",
    [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["batch", 4])],
    [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["batch", 300])],
    [weights],
)
(target / "external").mkdir()
onnx.save(
    onnx.helper.make_model(graph, producer_name="hand"),
    target / "external" / "model.onnx",
    save_as_external_data=True,
    location="weights.bin",
    size_threshold=0,
)

booster = xgboost.XGBClassifier(n_estimators=6, max_depth=2).fit(x, y)
booster.save_model(target / "xgboost.json")
booster.save_model(target / "xgboost.ubj")
joblib.dump(booster, target / "xgboost.joblib")
light = lightgbm.LGBMClassifier(n_estimators=6, verbose=-1).fit(x, y)
light.booster_.save_model(target / "lightgbm.txt")
(target / "lightgbm.pkl").write_bytes(pickle.dumps(light))
cat = catboost.CatBoostClassifier(iterations=6, verbose=False, allow_writing_files=False).fit(x, y)
cat.save_model(str(target / "catboost.cbm"))
(target / "catboost.pkl").write_bytes(pickle.dumps(cat))

save_file({"a": x, "b": np.arange(3, dtype=np.int64)}, target / "weights.safetensors", metadata={"format": "np"})
writer = gguf.GGUFWriter(target / "tiny.gguf", "llama")
writer.add_name("tiny")
writer.add_context_length(128)
writer.add_file_type(int(gguf.LlamaFileType.MOSTLY_Q8_0))
writer.add_token_list(["a", "b", "c"])
writer.add_tensor("blk.0.w", x)
writer.add_tensor("blk.0.q", gguf.quants.quantize(np.ones((4, 64), np.float32), gguf.GGMLQuantizationType.Q8_0), raw_dtype=gguf.GGMLQuantizationType.Q8_0)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()

np.save(target / "array.npy", x)
np.save(target / "objects.npy", np.array([{"a": 1}, None], dtype=object), allow_pickle=True)
np.savez(target / "arrays.npz", x=x, y=y)
np.savez_compressed(target / "packed.npz", x=x)
with h5py.File(target / "legacy.h5", "w") as file:
    file.attrs["keras_version"] = "2.15.0"
    file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"layers": []}})
(target / "ggml.json").write_text(json.dumps({
    "types": {int(k): [k.name, *v] for k, v in gguf.GGML_QUANT_SIZES.items()},
    "files": {int(t): t.name for t in gguf.LlamaFileType},
}))
