"""A bundle is believed only when every hash, every field and every golden output is right."""

import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemoview.bench import edge as bench_edge
from hemoview.dsp.preprocess import PREPROCESSING
from hemoview.estimate import bundle, models_command
from hemoview.estimate.card import parse_card
from recorder.errors import ConfigError
from recorder.host import places

NAME = "lsm2oe-student-0.2.1"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A models folder with a copy of the shipped bundle that a test may spoil."""
    shutil.copytree(places.models_dir() / NAME, tmp_path / NAME)
    return tmp_path


@pytest.fixture
def card(root: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((root / NAME / bundle.CARD).read_text(encoding="utf-8"))
    return value


def test_shipped_bundle_verifies() -> None:
    assert models_command.verify_models(places.models_dir())["ok"]


def test_shipped_card_names_no_path_of_the_machine_that_made_it() -> None:
    for name in bundle.FILES:
        content = (places.models_dir() / NAME / name).read_bytes()
        assert b"/work" not in content and b"/tmp" not in content and b"/home" not in content


def test_shipped_bundle_is_small_and_says_what_it_is() -> None:
    loaded = bundle.load(places.models_dir() / NAME)
    assert len(loaded.model) == loaded.card.size_bytes <= 500_000
    assert loaded.card.params <= 60_000
    assert loaded.card.preprocessing_version == PREPROCESSING
    assert loaded.card.per_parameter["SBP"].interval_allowed
    assert not loaded.card.per_parameter["SV"].is_real
    assert loaded.card.conformal["SV"].cold is None
    assert loaded.card.raw["limits"] and loaded.card.raw["attribution"]


@pytest.mark.parametrize("name", bundle.FILES)
def test_one_flipped_bit_is_refused_by_name(root: Path, name: str) -> None:
    file = root / NAME / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=rf"{NAME}.*{name}.*SHA-256"):
        bundle.load(root / NAME)


@pytest.mark.parametrize("name", [*bundle.FILES, bundle.HASHES])
def test_missing_file_is_refused_by_name(root: Path, name: str) -> None:
    (root / NAME / name).unlink()
    with pytest.raises(ConfigError, match=rf"{NAME}: {name} cannot be read"):
        bundle.load(root / NAME)


def test_renamed_bundle_is_refused(root: Path) -> None:
    (root / NAME).rename(root / "other-9.9.9")
    with pytest.raises(ConfigError, match="named otherwise"):
        bundle.load(root / "other-9.9.9")


def test_golden_output_of_another_model_is_refused(root: Path) -> None:
    folder = root / NAME
    with np.load(folder / bundle.GOLDEN) as file:
        arrays = {key: file[key] for key in file.files}
    arrays["0_mean"] = arrays["0_mean"] + np.float32(0.1)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    (folder / bundle.GOLDEN).write_bytes(buffer.getvalue())
    bundle.write_hashes(folder)
    with pytest.raises(ConfigError, match="output mean of golden case 0 is off by"):
        bundle.verify(folder)
    outcome = models_command.verify_models(root)
    assert not outcome["ok"] and "golden" in outcome["bundles"][0]["why"]


def test_a_model_that_is_no_model_is_refused(root: Path) -> None:
    (root / NAME / bundle.MODEL).write_bytes(b"not a graph")
    bundle.write_hashes(root / NAME)
    with pytest.raises(ConfigError, match="cannot run the model"):
        bundle.verify(root / NAME)


def _paths(value: dict[str, Any]) -> list[str]:
    nested = [
        "preprocessing.version",
        "personalisation.kappa",
        "per_parameter.SBP.unit",
        "training_range.DBP",
    ]
    return [*(key for key in value if key not in OPTIONAL), *nested]


OPTIONAL = {
    "reproduce",
    "software",
    "quantiles",
    "recipe",
    "SIMULATED",
    "cold_start",
    "conformal_from",
    "training_label_mean",
}
OPTIONAL |= {"stages", "form", "why_this_form", "network", "label_scale"}


def test_every_missing_field_is_named(card: dict[str, Any]) -> None:
    for path in _paths(card):
        spoiled = json.loads(json.dumps(card))
        *above, last = path.split(".")
        inside = spoiled
        for key in above:
            inside = inside[key]
        del inside[last]
        with pytest.raises(
            ConfigError, match=rf"bundle x: card.json, {path.replace('.', '[.]')}: (is missing|must be)"
        ):
            parse_card(spoiled, "bundle x")


@pytest.mark.parametrize(
    ("path", "wrong", "says"),
    [
        ("format", 2, "this HemoView reads 1"),
        ("parameters", ["SBP", "SBP"], "different ones of"),
        ("parameters", ["PULSE"], "different ones of"),
        ("macs", True, "whole number"),
        ("sampling_rate_hz", float("nan"), "must be a number"),
        ("window_s_min", 11.0, "not above window_s_max"),
        ("per_parameter.MAP.unit", "kPa", "must be 'mmHg'"),
        ("conformal.SBP.cold.q90", None, "must be a number"),
        ("conformal.SBP.cold.n_subjects", 2.5, "must be a whole number"),
        ("training_range.SV", [3, 2], r"\[low, high\]"),
        ("inputs", [], "list of names"),
        ("devices_in_training", [3], "list of names"),
    ],
)
def test_every_wrong_field_is_named(card: dict[str, Any], path: str, wrong: Any, says: str) -> None:
    *above, last = path.split(".")
    inside = card
    for key in above:
        inside = inside[key]
    inside[last] = wrong
    with pytest.raises(ConfigError, match=says):
        parse_card(card, "bundle x")


def test_age_rows_must_rise(card: dict[str, Any]) -> None:
    card["conformal"]["MAP"]["personalised"].reverse()
    with pytest.raises(ConfigError, match="age_s_max in every row, rising"):
        parse_card(card, "bundle x")


def test_correction_by_personalisation_age(card: dict[str, Any]) -> None:
    table = parse_card(card, "bundle x").conformal["SBP"]
    rows = card["conformal"]["SBP"]["personalised"]
    assert table.at_age(None) == table.cold
    for row in rows:
        found = table.at_age(row["age_s_max"], row.get("sqi_min", 0.0))
        assert found is not None and found.q90 == row["q90"]
    assert table.at_age(rows[-1]["age_s_max"] + 1) is None
    assert max(r.q90 for r in table.personalised) >= table.cold.q90  # type: ignore[union-attr]


def test_the_shipped_tables_are_of_nine_people_a_row_and_worse_windows_get_no_narrower_one(
    card: dict[str, Any],
) -> None:
    for p in ("SBP", "MAP", "DBP"):
        table = parse_card(card, "bundle x").conformal[p]
        assert all(row.n_subjects >= 9 for row in table.rows)
        ages = sorted({row.age_s_max for row in table.personalised if row.age_s_max is not None})
        for age_s in (None, *ages):
            q90 = [table.at_age(age_s, sqi).q90 for sqi in (0.0, 0.5, 0.8, 0.9, 1.0)]  # type: ignore[union-attr]
            assert q90 == sorted(q90, reverse=True)
        assert table.at_age(60.0, 0.5) != table.at_age(60.0, 0.95)
    assert any("noise of real E4 wrists" in line for line in card["limits"])


def test_correction_by_age_and_quality(card: dict[str, Any]) -> None:
    any_quality = [r for r in card["conformal"]["SBP"]["personalised"] if "sqi_min" not in r]
    card["conformal"]["SBP"] = {"cold": card["conformal"]["SBP"]["cold"], "personalised": any_quality}
    plain = parse_card(card, "bundle x").conformal["SBP"]
    assert plain.at_age(30.0, 0.95) == plain.at_age(30.0)
    rows = card["conformal"]["SBP"]["personalised"]
    better = [{**row, "sqi_min": 0.9, "q90": row["q90"] - 1} for row in rows]
    both = [row for pair in zip(rows, better, strict=True) for row in pair]
    card["conformal"]["SBP"]["personalised"] = both
    card["conformal"]["SBP"]["cold_by_quality"] = [{"q90": 7.0, "n_subjects": 23, "sqi_min": 0.8}]
    table = parse_card(card, "bundle x").conformal["SBP"]
    assert table.at_age(30.0, 0.89) == table.at_age(30.0) == plain.at_age(30.0)
    for low, high in zip(rows, better, strict=True):
        found = table.at_age(low["age_s_max"], 0.9)
        assert found is not None and found.q90 == high["q90"]
    assert [table.at_age(None, q).q90 for q in (0.79, 0.8)] == [plain.cold.q90, 7.0]  # type: ignore[union-attr]
    assert table.at_age(rows[-1]["age_s_max"] + 1, 1.0) is None
    assert len(table.rows) == 2 + len(both)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sqi_min": 0.5}, "row for any quality"),
        ({"sqi_min": 1.5}, r"personalised\[0\].sqi_min: must be 0 to 1"),
        ({"sqi_min": "good"}, "sqi_min: must be a number"),
        ({"sqi_min": float("nan")}, "sqi_min: must be a number"),
    ],
)
def test_wrong_quality_rows_are_refused(card: dict[str, Any], change: dict[str, Any], says: str) -> None:
    card["conformal"]["SBP"]["personalised"][0] |= change
    with pytest.raises(ConfigError, match=says):
        parse_card(card, "bundle x")


def test_wrong_cold_quality_rows_are_refused(card: dict[str, Any]) -> None:
    row = {"q90": 7.0, "n_subjects": 23}
    for better in ([row], [{**row, "sqi_min": 0.9}, {**row, "sqi_min": 0.8}], {}):
        card["conformal"]["SBP"]["cold_by_quality"] = better
        with pytest.raises(ConfigError, match="cold_by_quality"):
            parse_card(card, "bundle x")
    card["conformal"]["SBP"]["cold_by_quality"] = []
    card["conformal"]["SBP"]["cold"]["sqi_min"] = 0.5
    with pytest.raises(ConfigError, match="for any quality"):
        parse_card(card, "bundle x")


def test_show_finds_a_bundle_with_or_without_version(root: Path) -> None:
    assert models_command.show_model(root, NAME)["model_sha256"]
    assert models_command.show_model(root, "lsm2oe-student")["version"] == "0.2.1"
    with pytest.raises(ConfigError, match=r"name one of: lsm2oe-student-0[.]2[.]1"):
        models_command.show_model(root, "nobody")


def test_no_bundle_at_all_is_not_ok(tmp_path: Path) -> None:
    assert models_command.verify_models(tmp_path / "nowhere") == {"ok": False, "bundles": []}


def test_list_goes_on_past_a_refused_bundle(root: Path) -> None:
    shutil.copytree(root / NAME, root / "broken-0.0.1")
    first, second = models_command.list_models(root)["bundles"]
    assert "named otherwise" in first["why"]
    assert second["parameters"] == ["SBP", "MAP", "DBP", "SV"]


def test_bench_edge_times_two_models_in_one_run(root: Path, tmp_path: Path) -> None:
    other = tmp_path / "reference"
    other.mkdir()
    shutil.copy(root / NAME / bundle.MODEL, other / "reference.onnx")
    found = bench_edge.run(other, repeats=5)
    ours, theirs = found["models"]
    assert ours["name"] == NAME and theirs["name"] == "reference"
    assert ours["params"] > 0
    assert 0 < ours["p50_ms"] <= ours["p99_ms"] and found["preprocessing"]["p50_ms"] > 0
    with pytest.raises(ConfigError, match="holds 0"):
        bench_edge.run(tmp_path / NAME / "none", repeats=1)


def test_the_newest_student_runs_where_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="none installed"):
        bundle.default_bundle(tmp_path)
    for name in ("x-teacher-0.11.0", "a-student-0.9.0", "b-student-0.10.0"):
        (tmp_path / name).mkdir()
        (tmp_path / name / bundle.CARD).write_text("{}")
    assert bundle.default_bundle(tmp_path).name == "b-student-0.10.0"


def _places(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every path into a JSON value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [above, *(path for key, below in inside for path in _places(below, (*above, key)))]


SHIPPED: Any = json.loads((places.models_dir() / NAME / bundle.CARD).read_text(encoding="utf-8"))
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=5), inside, max_size=3),
    max_leaves=4,
)


UNREAD = {"metrics", "SIMULATED", "limits", "attribution", "training_sets", "recipe", "plan", "software"}
READ = [path for path in _places(SHIPPED)[1:] if path[0] not in UNREAD or len(path) == 1]


@given(st.sampled_from(READ), ANY_JSON)
def test_any_value_anywhere_is_read_or_refused_by_name(path: tuple[Any, ...], wrong: Any) -> None:
    spoiled = json.loads(json.dumps(SHIPPED))
    *above, last = path
    inside = spoiled
    for key in above:
        inside = inside[key]
    inside[last] = wrong
    try:
        parse_card(spoiled, "bundle x")
    except ConfigError as error:
        assert str(error).startswith("bundle x: card.json, ")
