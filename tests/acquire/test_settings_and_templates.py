"""Settings survive a restart; a template that is wrong names file and field."""

from dataclasses import replace
from pathlib import Path

import pytest

from recorder.acquire import settings, template
from recorder.acquire.settings import Settings
from recorder.devices.contract import DeviceConfig
from recorder.errors import ConfigError
from recorder.host import places
from recorder.schema import Calibration

E4 = DeviceConfig("e4-tcp", "e4", {"host": "127.0.0.1", "port": 28000})


def calibration(gain: float, channel: str = "abp", t_host_ns: int | None = None) -> Calibration:
    return Calibration("id", "adc.wave", channel, gain, 0.0, "two-point", 5, t_host_ns=t_host_ns)


def test_settings_survive(tmp_path: Path) -> None:
    path = tmp_path / "bed1" / "settings.json"
    assert settings.read(path) == Settings()
    kept = Settings((E4,)).with_session(Path("/sessions/s1")).with_calibration(calibration(100.0))
    settings.write(path, kept)
    assert settings.read(path) == kept
    settings.write(path, kept.with_session(None))
    assert settings.read(path).open_session == ""


def test_a_new_calibration_replaces_that_of_its_channel_only() -> None:
    kept = Settings().with_calibration(calibration(100.0)).with_calibration(calibration(50.0, "cvp"))
    kept = kept.with_calibration(calibration(90.0, t_host_ns=77))
    assert {(c.channel, c.gain_mmhg_per_v) for c in kept.calibrations} == {("abp", 90.0), ("cvp", 50.0)}
    assert all(c.t_host_ns is None for c in kept.calibrations)  # host times mean nothing in another session


def test_a_refused_calibration_is_kept_beside_the_one_in_use() -> None:
    refused = replace(calibration(40.0), accepted=False)
    kept = Settings().with_calibration(calibration(100.0)).with_calibration(refused)
    assert {(c.gain_mmhg_per_v, c.accepted) for c in kept.calibrations} == {(100.0, True), (40.0, False)}
    kept = kept.with_calibration(replace(refused, gain_mmhg_per_v=41.0))
    assert {c.gain_mmhg_per_v for c in kept.calibrations} == {100.0, 41.0}
    assert [c.gain_mmhg_per_v for c in kept.with_calibration(calibration(99.0)).calibrations] == [99.0]


def test_settings_are_for_the_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    settings.write(path, Settings().with_session(Path("/sessions/20261120-160000_S-01_0123ab")))
    assert path.stat().st_mode & 0o077 == 0


def test_a_settings_file_that_is_not_ours_is_named(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text("[]")
    with pytest.raises(ConfigError, match=r"settings .*settings\.json: cannot be used"):
        settings.read(path)


@pytest.mark.parametrize(
    "path", sorted((places.resources_dir() / "templates").glob("*")), ids=lambda p: p.name
)
def test_shipped_templates_are_good(path: Path) -> None:
    shipped = template.load(path)
    assert shipped.devices and shipped.consent is not None
    assert Path(path).stem == shipped.name


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("devices = []", "name: is missing"),
        ('name = "x"\ncolour = 1', "colour: unknown"),
        ('name = "x"\n[[devices]]\ndevice_id = "e4"', "device e4: misses kind"),
        (
            'name = "x"\n[[devices]]\nkind = "e4-tcp"\ndevice_id = "e4"\nport = 1',
            "device e4: has unknown port",
        ),
        (
            'name = "x"\ndevices = [{kind="e4-tcp",device_id="d"},{kind="e4-tcp",device_id="d"}]',
            "[[devices]] 2: device_id: d is there twice",
        ),
        ('name = "x"\n[consent]\nversion = ""\ndate = "2026-01-01"', "consent needs the version"),
        ('name = "x"\n[sites]\nnose = "left"', "nose"),
        ("name = ", "Invalid value"),
    ],
)
def test_a_wrong_template_names_file_and_field(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "study.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        template.load(path)
    assert str(path) in str(caught.value) and why in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_template_may_be_json_and_a_missing_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "study.json"
    path.write_text(
        '{"name": "x", "devices": [{"kind": "e4-tcp", "device_id": "e4"}], "overrides": {"e4": "later"}}'
    )
    assert template.load(path).overrides == {"e4": "later"}
    with pytest.raises(ConfigError, match="cannot be read"):
        template.load(tmp_path / "none.toml")
