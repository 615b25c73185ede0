"""Looks at the bytes of an unknown serial ADC and proposes how to read them, with evidence. Pure: bytes and times in.

What is proposed has been tried: the recorded bytes are read back with it, and the share that fits is told. Noise, a
GPS receiver or silence propose nothing. Which unit a count has no byte can tell; the operator says it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recorder.protocols.adc_findings import Evidence, FieldFinding, Findings
from recorder.protocols.adc_infer_binary import BinaryGuess, guess_binary, repeats
from recorder.protocols.adc_infer_fields import Column, bits_of, judge
from recorder.protocols.adc_infer_text import TextGuess, guess_text, is_text
from recorder.protocols.adc_profile import AdcChannel, AdcProfile, AsciiFraming, BinaryFraming, SerialLink
from recorder.protocols.lines import excerpt
from recorder.protocols.serial_adc import AdcDecoder, AdcFrames, Damage

Ints = NDArray[np.int64]
Heard = Sequence[tuple[bytes, int]]
"""What arrived: bytes and host ns right after the read."""

LEAST_BYTES: Final = 200
NEAR_USUAL: Final = 0.012
"""A rate this near to a usual one is that one: arrival over some seconds is good to about 1 %."""
NEAR_BY_CLOCK: Final = 0.002
LEAST_READ: Final = 0.8
USUAL_HZ: Final = tuple(
    sorted(
        {1, 2, 4, 5, 8, 10, 16, 20, 25, 30, 32, 40, 50, 60, 64, 75, 80, 90}
        | {100, 120, 125, 128, 150, 160, 200, 240, 250, 256, 300, 320, 360, 400, 480, 500, 512}
        | {600, 640, 750, 800, 860, 960, 1000, 1024, 1200, 1250, 1500, 1600, 2000, 2048, 2400, 2500}
        | {3200, 4000, 4096, 5000, 8000, 10_000}
    )
)
_KINDS: Final = {
    "counter": "seq",
    "clock": "t_us",
    "clock-ms": "t_ms",
    "constant": "fixed",
    "checksum": "check",
}


def infer(heard: Heard) -> Findings:
    """What this device sends. Never raises on any bytes."""
    octets = b"".join(data for data, _ in heard)
    told = Findings("nothing", n_bytes=len(octets), excerpt=excerpt(octets[:64]))
    if not octets:
        return told
    if len(octets) < LEAST_BYTES:
        return replace(told, verdict="too-little")
    found = _text(octets, heard, told) if is_text(octets) else _binary(octets, heard, told)
    return _tried(found, octets) if found.proposes else found


def profile_of(
    found: Findings, name: str, link: SerialLink, channels: Sequence[AdcChannel], description: str = ""
) -> AdcProfile:
    """The profile of a finding, with the channels the operator named.

    Raises:
        ConfigError: a name or channel is no good.
        ValueError: nothing was found.
    """
    if found.framing is None:
        raise ValueError("nothing was found that could be a profile")
    return AdcProfile(
        name,
        1,
        "lab",
        link,
        found.framing,
        tuple(channels),
        found.rate_hz,
        found.named("counter"),
        found.counter_modulo,
        found.named("clock"),
        max(2.0, 5.0 / found.rate_hz),
        description,
    )


def raw_channels(found: Findings) -> tuple[AdcChannel, ...]:
    """Every channel as counts: what a preview shows before anybody has said a unit."""
    return tuple(AdcChannel(f.name, f.name, "1", 1.0) for f in found.channels)


# ---- text and binary


def _text(octets: bytes, heard: Heard, told: Findings) -> Findings:
    guess = guess_text(octets)
    if guess is None:
        return replace(told, verdict="too-little")
    if guess.framing is None or guess.rows is None:
        return replace(told, verdict="gps" if guess.verdict == "gps" else "words")
    ends = guess.framing.terminator.encode()
    rate_hz = _arrival_rate_hz(heard, [data.count(ends) for data, _ in heard])
    columns = [judge(guess.rows[:, i], rate_hz) for i in range(guess.rows.shape[1])]
    fields, modulo = _fields(guess.rows, columns)
    framing = replace(guess.framing, fields=tuple(f.name for f in fields))
    evidence = (*_text_evidence(guess), *_field_evidence(fields, columns))
    found = replace(
        told, verdict="text", framing=framing, fields=fields, counter_modulo=modulo, evidence=evidence
    )
    return _rated(found, rate_hz, columns)


def _text_evidence(guess: TextGuess) -> list[Evidence]:
    assert guess.framing is not None
    n = len(guess.framing.fields)
    found = [Evidence("lines", (("n", guess.n_lines), ("columns", n), ("percent", _percent(guess.share))))]
    if n > 1:
        found.append(Evidence("delimiter", (("delimiter", guess.framing.delimiter),)))
    if guess.framing.decimals:
        found.append(Evidence("decimals"))
    if guess.framing.checksum != "none":
        found.append(Evidence("checksum", (("checksum", guess.framing.checksum), ("percent", 100))))
    if guess.checksum_unknown:
        found.append(Evidence("checksum-unknown"))
    return found


def _binary(octets: bytes, heard: Heard, told: Findings) -> Findings:
    seconds = (heard[-1][1] - heard[0][1]) / 1e9
    guess = guess_binary(octets, len(octets) / seconds if seconds > 0 else 0.0)
    if guess is None:
        length = repeats(octets)
        repeating = [Evidence("repeats", (("length", length),))] if length else []
        return replace(told, verdict="no-start" if length else "noise", evidence=tuple(repeating))
    length = guess.framing.length
    rate_hz = _arrival_rate_hz(heard, [len(data) / length for data, _ in heard]) * guess.covered
    columns = [judge(guess.rows[:, i], rate_hz, w) for i, w in enumerate(_widths(guess.framing))]
    if guess.last_unknown:
        columns[-1] = Column("checksum")
    fields, modulo = _fields(guess.rows, columns)
    framing = replace(guess.framing, fields=tuple(f.name for f in fields))
    evidence = (*_binary_evidence(guess), *_field_evidence(fields, columns))
    found = replace(
        told, verdict="binary", framing=framing, fields=fields, counter_modulo=modulo, evidence=evidence
    )
    return _rated(found, rate_hz, columns)


def _widths(framing: BinaryFraming) -> list[int]:
    return [{"b": 1, "h": 2, "i": 4}[letter.lower()] for letter in framing.layout[1:]]


def _binary_evidence(guess: BinaryGuess) -> list[Evidence]:
    framing = guess.framing
    sync = " ".join(f"{value:02X}" for value in framing.sync)
    found = [Evidence("frames", (("n", len(guess.rows)), ("length", framing.length), ("sync", sync)))]
    if framing.checksum != "none":
        percent = _percent(guess.fits)
        found.append(Evidence("checksum", (("checksum", framing.checksum), ("percent", percent))))
    elif guess.last_unknown:
        found.append(Evidence("checksum-unknown"))
    else:
        found.append(Evidence("no-checksum"))
    return found


# ---- fields, rate, confidence


def _fields(rows: Ints, columns: Sequence[Column]) -> tuple[tuple[FieldFinding, ...], int]:
    """Named fields, and the modulo of the first counter; a second counter or clock is a channel nobody needs."""
    found: list[FieldFinding] = []
    seen: dict[str, int] = {}
    modulo = 65536
    for i, column in enumerate(columns):
        kind = "constant" if column.kind in ("counter", "clock") and column.kind in seen else column.kind
        values = rows[:, i]
        low, high = int(values.min()), int(values.max())
        stem = _KINDS.get(kind, "adc")
        number = seen.get(kind, 0)
        seen[kind] = number + 1
        plain = kind in ("counter", "clock", "clock-ms") and not number
        found.append(FieldFinding(stem if plain else f"{stem}{number}", kind, low, high, bits_of(low, high)))
        if kind == "counter":
            modulo = column.modulo or (65536 if high < 65536 else 2**32)
    return tuple(found), modulo


def _field_evidence(fields: Sequence[FieldFinding], columns: Sequence[Column]) -> list[Evidence]:
    found = []
    for field, column in zip(fields, columns, strict=True):
        if field.kind == "counter":
            words = "counter" if column.modulo else "counter-open"
            found.append(Evidence(words, (("field", field.name), ("modulo", column.modulo))))
        elif field.kind in ("clock", "clock-ms"):
            found.append(Evidence(field.kind, (("field", field.name), ("step", f"{column.step:.6g}"))))
    if not any(f.kind == "counter" for f in fields):
        found.append(Evidence("no-counter"))
    return found


def _rated(found: Findings, arrived_hz: float, columns: Sequence[Column]) -> Findings:
    """The proposal with its rate; without a channel or a rate there is none."""
    rate_hz = _usual(arrived_hz, columns)
    if not found.channels or not 0 < rate_hz <= 100_000:
        return Findings("noise", n_bytes=found.n_bytes, excerpt=found.excerpt)
    rate = Evidence("rate", (("rate", f"{rate_hz:g}"), ("measured", f"{arrived_hz:.4g}")))
    return replace(found, rate_hz=rate_hz, evidence=(*found.evidence, rate))


def _arrival_rate_hz(heard: Heard, frames: Sequence[float]) -> float:
    """Frames a second over the whole time: those of the first read arrived before it began."""
    seconds = (heard[-1][1] - heard[0][1]) / 1e9
    n = sum(frames[1:])
    return n / seconds if seconds > 0 else 0.0


def _usual(rate_hz: float, columns: Sequence[Column]) -> float:
    """The rate by the device's own clock where it has one, else by arrival; the usual one where it is near."""
    clocks = [
        (1e6 if c.kind == "clock" else 1e3) / c.step for c in columns if c.kind in ("clock", "clock-ms")
    ]
    own_hz, near = (clocks[0], NEAR_BY_CLOCK) if clocks else (rate_hz, NEAR_USUAL)
    if own_hz <= 0:
        return 0.0
    usual = min(USUAL_HZ, key=lambda one: abs(one / own_hz - 1))
    return float(usual) if abs(usual / own_hz - 1) <= near else float(f"{own_hz:.4g}")


def _tried(found: Findings, octets: bytes) -> Findings:
    """Read everything with the proposal; one that reads too little of it is none."""
    decoder = AdcDecoder(profile_of(found, "tried", SerialLink(), raw_channels(found)))
    n_frames = n_missing = hurt = 0
    for event in decoder.feed(octets):
        if isinstance(event, AdcFrames):
            n_frames += event.counts.shape[0]
            n_missing += event.n_missing
        elif isinstance(event, Damage):
            hurt += event.n_bytes if event.kind != "checksum" else 0
    share = max(0.0, 1.0 - hurt / len(octets))
    if n_frames == 0 or share < LEAST_READ:
        return Findings("noise", n_bytes=found.n_bytes, excerpt=found.excerpt)
    read = Evidence("read", (("percent", _percent(share)), ("n", n_frames)))
    lost = (Evidence("lost", (("n", n_missing),)),) if n_missing else ()
    confidence = _confidence(found, share, n_frames)
    return replace(
        found,
        n_frames=n_frames,
        read_share=share,
        confidence=confidence,
        evidence=(*found.evidence, read, *lost),
    )


def _confidence(found: Findings, share: float, n_frames: int) -> float:
    """What is read, by how much of it, by how well it is proved."""
    assert found.framing is not None
    checked = found.framing.checksum != "none"
    counted = found.named("counter") is not None or found.named("clock") is not None
    columns = isinstance(found.framing, AsciiFraming) and len(found.fields) > 1
    proof = (
        1.0 if checked or (counted and isinstance(found.framing, AsciiFraming)) else 0.9 if counted else 0.7
    )
    proof = max(proof, 0.85) if columns else proof
    return round(share * proof * min(1.0, n_frames / 50), 2)


def _percent(share: float) -> str:
    return f"{100 * share:.0f}"


__all__ = ["Heard", "infer", "profile_of", "raw_channels"]
