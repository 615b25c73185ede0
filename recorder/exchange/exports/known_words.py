"""Words that the program, its label sets, its templates and the devices make: none of them can be a name or a date.

A de-identified export keeps these and drops every other text. A word that is new in the program is added here, or it is
lost to whoever gets such an export (``tests/exchange/test_known_words.py`` finds labels and notices that are missing).
"""

from __future__ import annotations

from typing import Final, get_args

from recorder.schema import ARM_MOVED, CUFF_INFLATES, SKIN_CHECKED
from recorder.schema.events import BEARING
from recorder.schema.status import DiskLevel, LinkState
from recorder.schema.subject import PERFUSIONS, RHYTHMS, USES, Sex, Side


def _of(*lines: str) -> frozenset[str]:
    return frozenset(word.strip() for line in lines for word in line.split("|"))


_MARKERS: Final = _of(
    "tag|baseline|arm move|recalibration|tilt|stand|cold pressor|talking|end|other",
    "rest begins|rest ends|stand up|sit down|dizzy|sitting begins|standing begins",
    "internal|NBPcal|NBPman|HDcal|Changed Finger|Optimize Signal Quality",
)
_ANNOTATIONS: Final = _of(
    "artefact|artifact|motion|poor-contact|calibration|arm-moved|noise|pause",
    "good|fair|poor|bad|usable|unusable",
    "beat|peak|onset|foot|dicrotic notch|dicrotic peak|systolic|diastolic",
    "beat-foot|beat-peak|dicrotic-notch|not-a-beat|extra-beat|missed-beat",
    "regular-rhythm|irregular-rhythm|paced-rhythm|sinus|atrial-fibrillation|extrasystoles|paced|normal|arrhythmia",
)
_NOTICES: Final = _of(
    "ready|no-data|nonsense|malformed|checksum|battery|tag|unencrypted|decode-unverified|resubscribed",
    "signal-lost|signal-back|turned-off|refused|unexpected-reply|other-band|quality-ok|not-worn|worn|sensor-off",
    "no-pulse|sensor-alarm|artefact|stamps-back|stamp-step|clock-step|storage",
    "signal-search|cuff-failed|cuff-implausible|cnap-disagrees|square-wave|flat-line|saturation|invalid-value",
)
_CAUSES: Final = _of(
    "start|resume|suspend|reboot|recorder-restart|absent|gap|link-lost|silent|counter-jump|counter-reset|stamp-jump",
    "overrun|damaged|not-in-file|unreadable|not-explained|not-delivered|disk",
)
_STATES: Final = _of(
    "started|ended|stopped|aborted|open|sealed|same|different|cannot-tell|unhidden|none",
    "instant|span|quality|cuff|reference|both|estimates_hidden|anchor_from|show_simulated",
)
_WAYS: Final = _of(
    "key|button|e4-tag|command|automatic|two-point|fitted|entered",
    "e4|cnap|wfdb|edf|surgery-npz|CNAP arm cuff|CNAP arm cuff, typed in",
    "beats|beats+events|beats+nudge|beats+events+nudge|arrivals+beats",
    "no-pulse|no-reference|too-few-beats|ambiguous|unsure|not-the-same-heart|unlocked",
)
_BODY: Final = _of("supine|seated|standing|prone|unknown")

KNOWN_LABELS: Final = frozenset((ARM_MOVED, CUFF_INFLATES, SKIN_CHECKED, *BEARING)) | _MARKERS | _ANNOTATIONS
"""Labels that the program, its own templates or the devices make; others may hold a name."""
KNOWN_WORDS: Final = KNOWN_LABELS.union(
    _NOTICES, _CAUSES, _STATES, _WAYS, _BODY, RHYTHMS, PERFUSIONS, USES
).union(get_args(LinkState), get_args(DiskLevel), get_args(Sex), get_args(Side))
