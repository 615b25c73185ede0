"""The wizard that turns an unknown ADC into a profile: findings → words, the operator's entries → a profile. No Qt."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hemoview.viewmodel.devices.raw_preview import EMPTY, Preview
from hemoview.viewmodel.messages import Message, say
from recorder.devices.adc_look import Look
from recorder.errors import ConfigError
from recorder.protocols.adc_findings import Evidence, FieldFinding, Findings
from recorder.protocols.adc_inference import LEAST_READ, profile_of, raw_channels
from recorder.protocols.adc_profile import AdcChannel, AdcProfile, SerialLink
from recorder.protocols.serial_adc import AdcDecoder, AdcFrames, Damage

ROLES: Final = ("abp_wave", "ppg", "resp", "ecg", "other")
UNITS: Final = ("V", "1")
"""What a converter gives: volt, or counts nobody has a scale for. mmHg comes from a calibration only."""

SURE: Final = 0.85
LIKELY: Final = 0.6
PREVIEW_S: Final = 4.0
JUDGED_S: Final = 2.0
"""The proposal is judged again by what came in so many seconds."""
LEAST_JUDGED_BYTES: Final = 40

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_FIELD: Final = re.compile(r"[a-z][a-z0-9_]{0,23}")
_FRACTION: Final = re.compile(r"\s*([\d.,]+)\s*(?:/\s*(\d+)\s*)?")


@dataclass(frozen=True, slots=True)
class ChannelEntry:
    """One column as the operator names it. ``field``: of the findings; ``scale``: unit per count, as typed."""

    field: str
    name: str
    used: bool = True
    role: str = "abp_wave"
    unit: str = "V"
    scale: str = ""


@dataclass(frozen=True, slots=True)
class WizardForm:
    """What stands in the fields of the last step."""

    name: str = ""
    channels: tuple[ChannelEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class WizardProblem:
    """What is wrong: ``field`` is ``name``, a channel's field, or empty."""

    field: str
    message: Message


@dataclass(frozen=True, slots=True)
class WizardView:
    """``profile`` is None while there is a problem."""

    problems: tuple[WizardProblem, ...]
    profile: AdcProfile | None = None


@dataclass(frozen=True, slots=True)
class FindingsView:
    """What was found, in words: the verdict, what to do where nothing is proposed, and the evidence."""

    verdict: Message
    level: str
    evidence: tuple[Message, ...]
    advice: Message | None
    proposes: bool


def in_words(found: Look, *, one_speed: bool = False) -> FindingsView:
    """Findings for a screen. ``one_speed``: the operator chose it; that it is the wrong one comes first to mind."""
    findings = found.findings
    evidence = tuple(_evidence(one) for one in findings.evidence)
    if not findings.proposes:
        said = say(f"wizard-{findings.verdict}", excerpt=findings.excerpt, n=findings.n_bytes)
        other = one_speed and findings.verdict in ("noise", "no-start")
        todo = say(
            "wizard-one-speed-todo" if other else f"wizard-{findings.verdict}-todo", baud=found.link.baud
        )
        return FindingsView(said, "warn", evidence, todo, proposes=False)
    certain = findings.confidence
    word = "wizard-sure" if certain >= SURE else "wizard-likely" if certain >= LIKELY else "wizard-doubtful"
    verdict = say(
        word,
        kind=say(f"wizard-kind-{findings.verdict}"),
        baud=found.link.baud,
        percent=f"{100 * certain:.0f}",
    )
    advice = None if certain >= LIKELY else say("wizard-doubtful-todo")
    return FindingsView(verdict, "ok" if certain >= SURE else "warn", evidence, advice, proposes=True)


def _evidence(one: Evidence) -> Message:
    values = dict(one.values)
    if one.id == "delimiter":
        values["delimiter"] = say(f"delimiter-{_DELIMITERS.get(str(values['delimiter']), 'other')}", **values)
    return say(f"evidence-{one.id}", **values)


_DELIMITERS: Final[Mapping[str, str]] = {
    ",": "comma",
    ";": "semicolon",
    "\t": "tab",
    " ": "space",
    "|": "bar",
}


def form_of(findings: Findings) -> WizardForm:
    """Empty entries for every channel: which unit a count has no byte can tell."""
    channels = findings.channels
    entries = [
        ChannelEntry(f.name, f.name, role=ROLES[0] if i == 0 else "other", used=not _still(f))
        for i, f in enumerate(channels)
    ]
    return WizardForm("", tuple(entries))


def with_channel(form: WizardForm, field: str, **changes: object) -> WizardForm:
    """Another entry of one channel."""
    return replace(
        form,
        channels=tuple(replace(c, **changes) if c.field == field else c for c in form.channels),  # type: ignore[arg-type]
    )


def examine(form: WizardForm, found: Look, taken: Collection[str]) -> WizardView:
    """Judge the entries; the profile comes from what was found and what the operator said, and nothing else.

    Args:
        form: as typed.
        found: what was looked at.
        taken: names of profiles that are there.
    """
    problems = [*_name_problems(form.name.strip(), taken)]
    used = [entry for entry in form.channels if entry.used]
    if not used:
        problems.append(WizardProblem("", say("wizard-no-channel")))
    names = [entry.name.strip() for entry in used]
    others = {f.name for f in found.findings.fields} - {entry.field for entry in used}
    for entry, name in zip(used, names, strict=True):
        if not _FIELD.fullmatch(name):
            problems.append(WizardProblem(entry.field, say("wizard-channel-name")))
        elif names.count(name) > 1 or name in others:
            problems.append(WizardProblem(entry.field, say("wizard-channel-twice", name=name)))
        elif _scale(entry) is None:
            problems.append(WizardProblem(entry.field, say("wizard-scale")))
    if problems:
        return WizardView(tuple(problems))
    try:
        return WizardView((), _profile(form.name.strip(), found, used))
    except ConfigError as error:
        return WizardView((WizardProblem("", say("refused", error=str(error))),))


def _name_problems(name: str, taken: Collection[str]) -> list[WizardProblem]:
    if not _NAME.fullmatch(name):
        return [WizardProblem("name", say("wizard-name-form"))]
    if name in taken:
        return [WizardProblem("name", say("wizard-name-taken"))]
    return [WizardProblem("name", say("wizard-name-cnap"))] if "cnap" in name else []


def _profile(name: str, found: Look, used: Sequence[ChannelEntry]) -> AdcProfile:
    findings = found.findings
    assert findings.framing is not None
    renamed = {entry.field: entry.name.strip() for entry in used}
    fields = tuple(renamed.get(field, field) for field in findings.framing.fields)
    known = {f.name: f for f in findings.fields}
    named = replace(
        findings,
        framing=replace(findings.framing, fields=fields),
        fields=tuple(replace(f, name=renamed.get(f.name, f.name)) for f in findings.fields),
    )
    channels = [_channel(entry, known[entry.field]) for entry in used]
    return profile_of(named, name, found.link, channels, "made by looking at its bytes")


def _channel(entry: ChannelEntry, field: FieldFinding) -> AdcChannel:
    scale = _scale(entry)
    assert scale is not None
    return AdcChannel(
        entry.name.strip(), entry.role, entry.unit.strip(), scale, saturation=_saturation(entry, field)
    )


def _scale(entry: ChannelEntry) -> float | None:
    """Unit per count: a number or a fraction, ``5/4096``; counts without a unit are themselves."""
    typed = entry.scale.strip()
    if not typed:
        return 1.0 if entry.unit == "1" else None
    found = _FRACTION.fullmatch(typed)
    if found is None:
        return None
    try:
        value = float(found[1].replace(",", ".")) / (int(found[2]) if found[2] else 1)
    except (ValueError, ZeroDivisionError):
        return None
    return value if math.isfinite(value) and value > 0 else None


def _saturation(entry: ChannelEntry, field: FieldFinding) -> tuple[int, int] | None:
    """``5/4096`` says where the converter ends, if no count went beyond."""
    found = _FRACTION.fullmatch(entry.scale.strip())
    size = int(found[2]) if found is not None and found[2] else 0
    return (
        (0, size - 1) if size > 1 and size & (size - 1) == 0 and 0 <= field.low <= field.high < size else None
    )


def _still(field: FieldFinding) -> bool:
    return field.low == field.high


# ---- preview


class FramePreview:
    """What a proposal reads from the port while the operator names its channels: the newest seconds of each."""

    def __init__(self, findings: Findings) -> None:
        self._decoder = AdcDecoder(profile_of(findings, "preview", SerialLink(), raw_channels(findings)))
        self._names = [f.name for f in findings.channels]
        self._kept = max(2, round(findings.rate_hz * PREVIEW_S))
        self._rows: NDArray[np.int32] = np.empty((0, len(self._names)), np.int32)
        self._heard: deque[tuple[int, int, int, int]] = deque()
        self.last_ns = 0

    def feed(self, data: bytes, t_ns: int = 0) -> None:
        """Bytes as they come, and when."""
        events = list(self._decoder.feed(data))
        parts = [self._rows, *(e.counts for e in events if isinstance(e, AdcFrames))]
        hurt = sum(e.n_bytes for e in events if isinstance(e, Damage))
        self._heard.append((t_ns, len(data), hurt, sum(map(len, parts[1:]))))
        while t_ns - self._heard[0][0] > JUDGED_S * 1e9:
            self._heard.popleft()
        self._rows = np.concatenate(parts)[-self._kept :]
        self.last_ns = t_ns

    def read_share(self) -> float | None:
        """Of the bytes of the last seconds, how many make frames: 0 to 1; None while too few came."""
        n_bytes, hurt, n_frames = (sum(column) for column in zip(*(h[1:] for h in self._heard), strict=True))
        if n_bytes < LEAST_JUDGED_BYTES:
            return None
        return max(0.0, 1.0 - hurt / n_bytes) if n_frames else 0.0

    def preview(self, field: str) -> Preview:
        """The trace of one channel, in counts."""
        if len(self._rows) < 2:
            return EMPTY
        values = self._rows[:, [self._names.index(field)]].astype(np.float64)
        low, high = float(values.min()), float(values.max())
        x = 1.0 - np.arange(len(values))[::-1] / self._kept
        y = 0.5 + (values - (low + high) / 2) / ((high - low) or 1.0)
        return Preview(x, y, f"{values[-1, 0]:.0f}", f"{low:.0f}", f"{high:.0f}")


def judge_live(frames: FramePreview, *, refused: str, open_ns: int, now_ns: int) -> Message | None:
    """What is wrong with the port by now, whatever was found before; None while the proposal reads it.

    Args:
        frames: what came since the port was opened.
        refused: why it is not open, empty while it is.
        open_ns, now_ns: host time of its opening, 0 before that, and of now.
    """
    if refused:
        return say("wizard-live-gone", why=refused)
    if not open_ns:
        return None
    quiet_s = (now_ns - max(open_ns, frames.last_ns)) / 1e9
    if quiet_s > JUDGED_S:
        return say("wizard-live-silent", seconds=f"{quiet_s:.0f}")
    share = frames.read_share() if frames.last_ns else None
    if share is not None and share < LEAST_READ:
        return say("wizard-live-unreadable", percent=f"{100 * share:.0f}")
    return None
