"""A bundle of the right form whose model is one line: a value per parameter, moved a little by the wave's shape."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from hemoview.dsp.preprocess import PREPROCESSING
from hemoview.estimate import bundle
from recorder.schema import PARAMETER_UNITS, PARAMETERS

MEANS = dict(zip(PARAMETERS, (120.0, 92.0, 76.0, 70.0, 5.0, 2.8, 70.0, 39.0, 1400.0, 2500.0), strict=True))
HALF_WIDTH = 4.0
REAL = ("SBP", "MAP", "DBP", "HR")


def model(parameters: tuple[str, ...], shape_gain: float) -> bytes:
    """``mean = MEANS + shape_gain · mean(|ppg|)``; q05 and q95 are ``HALF_WIDTH`` apart from it."""
    names = ("mean", "q05", "q95")
    base = np.array([[MEANS[p] for p in parameters]], np.float32)
    constants = {"gain": np.full((1, len(parameters)), shape_gain, np.float32), "base": base}
    constants |= {"axes": np.array([1, 2]), "half": np.array([HALF_WIDTH], np.float32)}
    nodes = [
        helper.make_node("Abs", ["ppg"], ["size"]),
        helper.make_node("ReduceMean", ["size", "axes"], ["level"], keepdims=0),
        helper.make_node("Unsqueeze", ["level", "last"], ["column"]),
        helper.make_node("MatMul", ["column", "gain"], ["moved"]),
        helper.make_node("Add", ["moved", "base"], ["mean"]),
        helper.make_node("Sub", ["mean", "half"], ["q05"]),
        helper.make_node("Add", ["mean", "half"], ["q95"]),
    ]
    constants["last"] = np.array([1])
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("ppg", TensorProto.FLOAT, ["batch", 1, "time"])],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", len(parameters)]) for n in names],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(made)
    return made.SerializeToString()


def card(parameters: tuple[str, ...], **changes: Any) -> dict[str, Any]:
    """A card that allows intervals for ``REAL``; the rest is learned from simulation alone."""

    def table(p: str) -> dict[str, Any]:
        n = 20 if p in REAL else 0
        rows = [
            {"q90": 2.0, "n_subjects": n, "age_s_max": 300.0},
            {"q90": 5.0, "n_subjects": n, "age_s_max": 1800.0},
        ]
        return {"cold": {"q90": 10.0, "n_subjects": n}, "personalised": rows}

    def facts(p: str) -> dict[str, Any]:
        real = p in REAL
        return {
            "unit": PARAMETER_UNITS[p],
            "reference_kind": "finger cuff" if real else "simulated",
            "sensor_site": "finger",
            "n_real_subjects": 15 if real else 0,
            "n_calibration_subjects": 20 if real else 0,
        }

    value: dict[str, Any] = {
        "format": 1,
        "name": "tiny",
        "version": "1",
        "parameters": list(parameters),
        "sampling_rate_hz": 64,
        "window_s_min": 5,
        "window_s_max": 10,
        "preprocessing": {"version": PREPROCESSING},
        "inputs": ["ppg"],
        "outputs": ["mean", "q05", "q95"],
        "per_parameter": {p: facts(p) for p in parameters},
        "conformal": {p: table(p) for p in parameters},
        "personalisation": {"kappa": {p: 0.25 for p in parameters if p in REAL[:3]}, "expiry_s": 3600},
        "training_range": {p: [0.5 * MEANS[p], 1.5 * MEANS[p]] for p in parameters},
        "training_sets": [],
        "training_hash": "",
        "split_hash": "",
        "metrics": {},
        "devices_in_training": [],
        "devices_not_in_training": [],
        "attribution": [],
        "intended_use": "test",
        "limits": [],
        "size_bytes": 1,
        "macs": 1,
        "params": 1,
    }
    return value | changes


def write(
    root: Path,
    parameters: tuple[str, ...] = PARAMETERS,
    shape_gain: float = 0.0,
    changes: Mapping[str, Any] | None = None,
) -> bundle.Bundle:
    """Write the bundle below ``root`` and load it."""
    folder = root / "tiny-1"
    folder.mkdir(parents=True)
    (folder / bundle.MODEL).write_bytes(model(parameters, shape_gain))
    (folder / bundle.CARD).write_text(json.dumps(card(parameters, **(changes or {}))))
    ppg = np.zeros((1, 1, 640), np.float32)
    means = np.array([[MEANS[p] for p in parameters]], np.float32)
    golden = {"0_ppg": ppg, "0_mean": means, "0_q05": means - HALF_WIDTH, "0_q95": means + HALF_WIDTH}
    np.savez(folder / bundle.GOLDEN, **golden)
    bundle.write_hashes(folder)
    return bundle.load(folder)
