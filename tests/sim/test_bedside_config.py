"""The configuration is checked whole, and every mistake is named."""

import json

import pytest

from recorder.devices.sim.config import DEMO_CALIBRATION_S, load, parse
from recorder.errors import ConfigError


def test_everything_has_a_default():
    config = parse({})
    assert config.e4 is None
    assert config.adc is None
    assert config.script.steps == ()
    assert parse({"e4": {}, "adc": {}}).adc.profile == "lab-adc-ascii"


def test_the_demo_begins_with_the_monitors_calibration_and_rest_does_not():
    assert parse({"script": "demo", "adc": {}}).adc.recalibrations == ((0.0, DEMO_CALIBRATION_S),)
    assert parse({"script": "rest", "adc": {}}).adc.recalibrations == ()
    assert parse({"script": "demo", "adc": {}, "replay": "x.npz"}).adc.recalibrations == ()


def test_lists_become_spans():
    config = parse({"e4": {"jitter_ms": [1, 2], "disconnects": [[3, 4]]}, "adc": {"dropouts": [[5.0, 6.0]]}})
    assert config.e4.jitter_ms == (1, 2)
    assert config.e4.disconnects == ((3, 4),)
    assert config.adc.dropouts == ((5.0, 6.0),)


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ({"e5": {}}, "e5"),
        ({"e4": {"speed": 1}}, "speed"),
        ({"e4": {"jitter_ms": [60, 5]}}, "jitter_ms"),
        ({"e4": {"dropout": 2}}, "dropout"),
        ({"adc": {"link": "string"}}, "link"),
        ({"adc": {"baud": 1}}, "baud"),
        ({"subject": {"sv_ml": 1}}, "sv_ml"),
        ({"script": "jazz"}, "jazz"),
        ({"script": [{"at_s": 0, "do": "fly", "for_s": 1}]}, "fly"),
    ],
)
def test_a_mistake_is_named(value, named):
    with pytest.raises(ConfigError, match=named):
        parse(value)


@pytest.mark.parametrize("text", ["{", "[1]", ""])
def test_a_file_that_is_no_configuration_is_named(tmp_path, text):
    path = tmp_path / "bedside.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"bedside\.json"):
        load(path)
    with pytest.raises(ConfigError, match="absent"):
        load(tmp_path / "absent.json")


def test_a_file_is_read(tmp_path):
    path = tmp_path / "bedside.json"
    path.write_text(json.dumps({"seed": 9, "subject": {"age_y": 70}, "truth_file": "t.jsonl"}))
    config = load(path)
    assert (config.seed, config.subject.age_y, config.truth_file.name) == (9, 70, "t.jsonl")
