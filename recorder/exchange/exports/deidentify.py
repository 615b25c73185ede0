"""What leaves a session under ``--deidentify`` (safety rule 17): only what is known to be no name, place or date.

Nothing is searched for: a text stays if it is one of the known words, and is left out otherwise, named in the report.
Dates move by whole days, the same for all sessions of a subject, so that intervals and the time of day in UTC stay.
The secret that shifts and hashes lies owner-only in the home folder; without it nobody, and on another machine nobody
else, finds the way back.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from recorder.errors import StorageError
from recorder.exchange.exports.known_words import KNOWN_LABELS, KNOWN_WORDS
from recorder.schema.units import PARAMETER_UNITS
from recorder.session.files import storage_errors, write_new

DERIVED: Final = "edge"
SECRET_FILE: Final = "export.key"
_SECRET_BYTES: Final = 32
_SHIFT_DAYS: Final = (366, 3650)
_DAY_NS: Final = 86_400 * 10**9

_UNITS: Final = frozenset(
    (
        *(
            "1",
            "V",
            "mV",
            "uV",
            "µV",
            "mmHg",
            "kPa",
            "cmH2O",
            "g",
            "m/s2",
            "deg",
            "uS",
            "µS",
            "Cel",
            "degC",
            "s",
        ),
        *("ms", "Hz", "/min", "bpm", "%", "cm", "m", "mm", "mL", "ml", "L", "L/min", "l/min", "l/min/m^2"),
        *("ml/m^2", "dyn*s/cm^5", "dyn*s*m^2/cm^5", "NU", "Ohm", "nA", "uA", "mA", *PARAMETER_UNITS.values()),
    )
)
_NAMES: Final = frozenset(
    (
        *(
            "bvp",
            "acc",
            "x",
            "y",
            "z",
            "eda",
            "temp",
            "hr",
            "ibi",
            "rr",
            "battery",
            "ppg",
            "pleth",
            "spo2",
            "counter",
        ),
        *(
            "abp",
            "art",
            "cvp",
            "pap",
            "icp",
            "ecg",
            "resp",
            "wave",
            "pressure",
            "numerics",
            "beats",
            "count",
            "ir",
        ),
        *(
            "red",
            "green",
            "pulse",
            "sbp",
            "map",
            "dbp",
            "co",
            "ci",
            "sv",
            "si",
            "svr",
            "svri",
            "ppv",
            "svv",
            "cuff",
        ),
        *(
            "nbp_sys",
            "nbp_dia",
            "co_cal",
            "height_offset",
            "i",
            "ii",
            "iii",
            "avr",
            "avl",
            "avf",
            "v",
            "mcl1",
            "mcl",
        ),
        *("quality", "amplitude", "ibi_s", "signal", "status", "contact", "estimates", "arm", "heart", "gsr"),
        *(
            "sbp_mmhg",
            "map_mmhg",
            "dbp_mmhg",
            "hr_per_min",
            "ppg_beats",
            "abp_beats",
            "adc",
            "e4",
            "cnap",
            "edge",
        ),
        *("nonin", "ble", "polar", "wfdb", "edf", "rate", "energy", "rssi", "plethysmogram", "sync"),
    )
)
_NUMBERED: Final = re.compile(r"(.*?)[_-]?\d{0,2}\Z")
_PRODUCTS: Final = ("Empatica E4", "CNAP", "Nonin pulse oximeter", "Heart-rate sensor", "Serial ADC")
_LARGE: Final = 1e8
"""Numbers above are seconds or nanoseconds of a calendar: they would tell the date."""


@dataclass
class Disguise:
    """How one subject is told in files; with ``secret`` None everything stays as it is.

    Args:
        secret: of the home folder.
        subject: pseudonym as it stands now.
        keep_labels: labels somebody has read.
    """

    secret: bytes | None
    subject: str
    keep_labels: Collection[str] = ()
    dropped: Counter[str] = field(default_factory=Counter)
    _names: dict[str, str] = field(default_factory=dict)

    @property
    def on(self) -> bool:
        """De-identification was asked for."""
        return self.secret is not None

    @property
    def subject_code(self) -> str:
        """What the files call the subject."""
        return self.hashed("subject", self.subject, "D") if self.on else self.subject

    @property
    def shift_ns(self) -> int:
        """Added to every date of this subject."""
        if self.secret is None:
            return 0
        low, high = _SHIFT_DAYS
        number = int.from_bytes(_hash(self.secret, "shift", self.subject)[:8], "big")
        return -(low + number % (high - low)) * _DAY_NS

    def hashed(self, what: str, value: str, letter: str) -> str:
        """``value`` while off, else a code that is the same for the same value."""
        if self.secret is None:
            return value
        return letter + _hash(self.secret, what, value).hex()[:10]

    def text(self, where: str, value: str) -> str:
        """Free text: dropped, and counted, when on."""
        if not self.on or not value.strip():
            return value
        self.dropped[where] += 1
        return ""

    def word(self, where: str, value: str) -> str:
        """A word of the program stays; anything else is free text."""
        return value if not value or value in KNOWN_WORDS else self.text(where, value)

    def label(self, where: str, value: str) -> str:
        """A label stays if it is ours or was read by somebody."""
        known = not self.on or value in KNOWN_LABELS or value in KNOWN_WORDS or value in self.keep_labels
        return value if known else self.text(where, value)

    def detail(self, where: str, value: Mapping[str, Any]) -> dict[str, Any]:
        """Payload of an event: numbers that are no dates, switches, and known words."""
        if not self.on:
            return dict(value)
        kept: dict[str, Any] = {}
        for key, part in value.items():
            inner = self._part(f"{where}.{key}" if key.isidentifier() else where, key, part)
            if inner is not None:
                kept[key] = inner
        return kept

    def _part(self, where: str, key: str, part: Any) -> Any:
        if isinstance(part, bool):
            return part
        if isinstance(part, int | float):
            return None if abs(part) >= _LARGE or key.endswith(("_ns", "utc", "wall")) else part
        if isinstance(part, str):
            return self._named(key, part) or self.word(where, part) or None
        if isinstance(part, Mapping):
            return self.detail(where, part) or None
        if isinstance(part, list | tuple):
            inner = [self._part(where, key, each) for each in part]
            return inner if all(each is not None for each in inner) else None
        return None

    def _named(self, key: str, value: str) -> str:
        """What a payload refers to, by the name it has in the files; empty where it is no such reference."""
        if not value:
            return ""
        ways = {"stream_id": lambda: self.stream_id(value)}
        ways |= {"device_id": lambda: self.name("device", value), "channel": lambda: self.name("ch", value)}
        return ways[key]() if key in ways else ""

    def name(self, where: str, value: str) -> str:
        """A name of a device, stream or channel: one of the known ones, numbered or not, else a numbered word."""
        if not self.on or self._known_name(value):
            return value
        if value not in self._names:
            self._names[value] = f"{where}{1 + sum(n.startswith(where) for n in self._names.values())}"
            self.dropped[f"name of a {where}"] += 1
        return self._names[value]

    def stream_id(self, value: str) -> str:
        """Part by part, as they stand between dots."""
        device, *rest = value.split(".")
        if device == DERIVED:  # the program's own, which nobody can name
            return value
        return ".".join([self.name("device", device), *(self.name("stream", part) for part in rest)])

    def unit(self, value: str) -> str:
        """A known unit, else none."""
        return value if not self.on or value in _UNITS else (self.text("unit", value) or "1")

    def product(self, value: str) -> str:
        """The make as far as it is one of those known here."""
        if not self.on:
            return value
        return next((known for known in _PRODUCTS if value.startswith(known)), "device")

    def _known_name(self, value: str) -> bool:
        low = value.lower()
        match = _NUMBERED.match(low)
        return low in _NAMES or (match is not None and match[1] in _NAMES)


def load_secret(home: Path) -> bytes:
    """The secret of this home folder, made when first asked for.

    Raises:
        StorageError: it cannot be read or written, or is no secret.
    """
    path = home / SECRET_FILE
    with storage_errors(home, "reading the secret of de-identified exports"):
        if not path.is_file():
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_new(path, secrets.token_bytes(_SECRET_BYTES))  # two exports at once: the first's is both's
        secret = path.read_bytes()
    if len(secret) != _SECRET_BYTES:
        raise StorageError(
            f"{path}: is no secret of {_SECRET_BYTES} bytes; put the saved copy back, or take the file away: "
            "then subjects get new codes and other dates"
        )
    return secret


def _hash(secret: bytes, what: str, value: str) -> bytes:
    return hmac.new(secret, f"{what}\0{value}".encode(), hashlib.sha256).digest()
