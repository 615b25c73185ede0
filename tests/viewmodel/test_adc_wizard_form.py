"""The wizard's entries: what the operator says about an unknown ADC, judged without a screen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from hemoview.ui.words.catalogue import known_ids, words
from hemoview.viewmodel.devices.adc_wizard import (
    FramePreview,
    WizardForm,
    examine,
    form_of,
    in_words,
    judge_live,
    with_channel,
)
from recorder.devices import profiles
from recorder.devices.adc_look import Look
from recorder.protocols.adc_findings import Evidence, Findings, Verdict
from recorder.protocols.adc_inference import infer
from recorder.protocols.adc_profile import SerialLink
from recorder.protocols.serial_adc import encode


def frames(name: str = "lab-adc-ascii", n: int = 400) -> list[tuple[bytes, int]]:
    profile = profiles.load(name)
    counts = np.rint(900 + 300 * np.sin(np.arange(n) / 12)).astype(int)
    return [(encode(profile, i, i * 10_000, [int(c)]), (i + 1) * 10_000_000) for i, c in enumerate(counts)]


@pytest.fixture(scope="module")
def found() -> Look:
    heard = frames()
    return Look(SerialLink(57600), infer(heard), heard)


def filled(found: Look, **changes: object) -> WizardForm:
    form = replace(form_of(found.findings), name="ward-3")
    return with_channel(form, "adc0", **{"name": "pressure", "scale": "5/4096", **changes})


def problems(form: WizardForm, found: Look, taken: tuple[str, ...] = ()) -> dict[str, str]:
    return {p.field: p.message.id for p in examine(form, found, taken).problems}


def test_named_channels_become_a_profile_that_its_file_keeps(found: Look, tmp_path: Path) -> None:
    profile = examine(filled(found), found, ()).profile
    assert profile is not None
    (channel,) = profile.channels
    assert (channel.field, channel.role, channel.unit) == ("pressure", "abp_wave", "V")
    assert channel.scale == 5 / 4096 and channel.saturation == (0, 4095)
    assert profile.framing.fields == ("seq", "t_us", "pressure")
    assert (profile.rate_hz, profile.link.baud, profile.status) == (100.0, 57600, "lab")
    path = tmp_path / "ward-3.toml"
    path.write_text(profiles.dump(profile), encoding="utf-8")
    assert profiles.load(path) == profile


def test_nothing_is_assumed_about_the_worth_of_a_count(found: Look) -> None:
    assert form_of(found.findings).channels[0].scale == ""
    assert problems(filled(found, scale=""), found) == {"adc0": "wizard-scale"}
    counts = examine(filled(found, unit="1", scale=""), found, ()).profile
    assert counts is not None and counts.channels[0].scale == 1.0 and counts.channels[0].saturation is None


@pytest.mark.parametrize("scale", ["five", "5/0", "0", "1/2/3", "-3"])
def test_a_scale_that_is_none_is_told(found: Look, scale: str) -> None:
    assert problems(filled(found, scale=scale), found) == {"adc0": "wizard-scale"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "wizard-name-form"),
        ("Ward 3", "wizard-name-form"),
        ("old", "wizard-name-taken"),
        ("my-cnap", "wizard-name-cnap"),
    ],
)
def test_a_profile_has_a_plain_name_of_its_own(found: Look, name: str, message: str) -> None:
    assert problems(replace(filled(found), name=name), found, ("old",)) == {"name": message}


def test_channels_are_named_apart_and_at_least_one_is_used(found: Look) -> None:
    assert problems(filled(found, name="seq"), found) == {"adc0": "wizard-channel-twice"}
    assert problems(filled(found, name="5x"), found) == {"adc0": "wizard-channel-name"}
    assert problems(filled(found, used=False), found) == {"": "wizard-no-channel"}


def test_a_converter_smaller_than_what_was_seen_gets_no_end(found: Look) -> None:
    profile = examine(filled(found, scale="5/1024"), found, ()).profile
    assert profile is not None and profile.channels[0].saturation is None


def test_the_preview_shows_the_newest_frames(found: Look) -> None:
    preview = FramePreview(found.findings)
    assert preview.preview("adc0").x.size == 0
    for data, _ in frames(n=600):
        preview.feed(data)
    shown = preview.preview("adc0")
    assert shown.x.size == 400 and shown.x[-1] == 1.0
    assert (shown.y.min(), shown.y.max()) == (0.0, 1.0)


def test_every_verdict_and_every_evidence_has_words(found: Look) -> None:
    for verdict in set(get_args(Verdict)) - {"text", "binary"}:
        view = in_words(Look(SerialLink(), Findings(verdict, n_bytes=3, excerpt="x")))
        assert not view.proposes and words(view.verdict) and words(view.advice)
    view = in_words(found)
    assert view.proposes and view.level == "ok" and "certain" in words(view.verdict)
    assert all(words(line) for line in view.evidence)
    doubtful = in_words(Look(SerialLink(), replace(found.findings, confidence=0.3)))
    assert doubtful.advice is not None and doubtful.level == "warn"
    for one in (
        "frames",
        "checksum-unknown",
        "no-checksum",
        "counter-open",
        "clock-ms",
        "lost",
        "repeats",
        "decimals",
    ):
        assert f"evidence-{one}" in known_ids()
    assert "tabs" in words(in_words(Look(SerialLink(), _separated("\t"))).evidence[0])
    assert "#" in words(in_words(Look(SerialLink(), _separated("#"))).evidence[0])


def _separated(delimiter: str) -> Findings:
    return Findings("noise", (Evidence("delimiter", (("delimiter", delimiter),)),))


def judged(preview: FramePreview, now_s: float, refused: str = "") -> str | None:
    said = judge_live(preview, refused=refused, open_ns=1, now_ns=round(now_s * 1e9))
    return said.id if said is not None else None


def test_the_port_is_judged_by_what_comes_now_not_by_what_was_found(found: Look) -> None:
    preview = FramePreview(found.findings)
    assert judge_live(preview, refused="", open_ns=0, now_ns=10**12) is None, "it is not open yet"
    for data, t_ns in frames(n=300):
        preview.feed(data, t_ns)
    assert judged(preview, 3.1) is None
    assert judged(preview, 5.2) == "wizard-live-silent"
    assert judged(preview, 3.1, "pulled out") == "wizard-live-gone"
    noise = np.random.default_rng(1).integers(0, 256, 5000, dtype=np.uint8).tobytes()
    preview.feed(noise, 3_200_000_000)
    assert judged(preview, 3.3) == "wizard-live-unreadable"
    for data, t_ns in frames(n=400):
        preview.feed(data, t_ns + 3_300_000_000)
    assert judged(preview, 7.4) is None, "noise that is over is forgotten"


@pytest.mark.parametrize(
    ("one_speed", "advice"), [(True, "wizard-one-speed-todo"), (False, "wizard-noise-todo")]
)
def test_noise_at_a_chosen_speed_names_that_speed_first(one_speed: bool, advice: str) -> None:
    look = Look(SerialLink(4800), Findings("noise", n_bytes=9000))
    view = in_words(look, one_speed=one_speed)
    assert view.advice is not None and view.advice.id == advice
    assert ("4800" in words(view.advice)) == one_speed
