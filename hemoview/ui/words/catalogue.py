"""Every word on the screens, by id, in each language.

A page keeps its words in a module of :mod:`hemoview.ui.words.pages`: ``ENGLISH`` and ``CHINESE``, the same ids.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from typing import Final, Literal, get_args

from hemoview.ui.words import pages
from hemoview.ui.words.counts import in_number
from hemoview.ui.words.recorder import error_in_chinese, in_chinese
from hemoview.viewmodel.messages import Message

Language = Literal["en", "zh"]

ENGLISH: Final[dict[str, str]] = {
    # between the members of a list, and between its clauses
    "joint": ", ",
    "joint-clauses": "; ",
    # window
    "app-title": "HemoView",
    "tab-record": "Record",
    "tab-review": "Review",
    "button-start": "Start",
    "button-stop": "Stop",
    "button-show": "Show",
    "button-about": "About",
    "button-undo": "Undo last marker",
    "button-cuff": "Cuff…",
    "button-take-control": "Take control",
    "button-virtual-bedside": "Open the virtual bedside",
    "button-confirm-calibration": "Monitor was calibrated",
    "button-calibrate": "Calibrate…",
    "button-take-volt": "Take live volt",
    "button-confirm-subject": "Enter the pseudonym again",
    "button-back": "Back",
    "button-next": "Next",
    "button-cancel": "Cancel",
    "button-ok": "OK",
    "button-confirm-start": "This is the right person – start recording",
    "button-keep-open": "Keep the window open",
    "button-close-anyway": "Close the window, recording goes on",
    # header
    "no-session": "No recording",
    "session-sealing": "Sealing the recording …",
    "subject": "{pseudonym}",
    "header-subject": "subject",
    "header-recording": "REC {elapsed}",
    "header-template": "template “{template}”",
    "disk-hours": "disk {hours} h",
    "disk-free": "disk {gigabytes} GB free",
    "disk-free-mb": "disk {megabytes} MB free",
    "disk-unknown": "disk –",
    "control-elsewhere": "watching – {name} holds control",
    "watermark-simulated": "SIMULATED / TRAINING",
    "watermark-replayed": "REPLAYED RECORDING / TRAINING",
    "watermark-line": "{watermark} – virtual bedside, not a person at this bed. Never used as patient data.",
    # lanes
    "lane-ppg": "PPG",
    "lane-abp": "CNAP",
    "lane-acc": "Motion",
    "lane-eda": "EDA",
    "lane-temp": "Skin",
    "lane-waiting": "Waves appear here when a device delivers samples",
    "lane-sqi": "signal quality",
    "no-pressure-scale": "no volt-to-mmHg scale",
    "uncalibrated": "uncalibrated",
    "axis-speed": "{speed} mm/s",
    # numerics
    "column-estimate": "ESTIMATE (AI)",
    "column-reference": "CNAP",
    "tag-estimate": "est.",
    "tag-simulated": "est. SIM",
    "interval-of-90": "90 % interval",
    "waiting-for-edge": "waiting for estimates",
    "waiting-for-beats": "waiting for beats",
    "no-beats": "no beats",
    "estimate-stale": "estimates paused",
    "reference-stale": "no new beats",
    "assumed-cvp": "CVP {cvp} assumed",
    "why-motion": "motion",
    "why-poor-contact": "poor contact",
    "why-no-real-reference": "no real reference",
    "why-needs-height-weight": "needs height and weight",
    "why-calibration-old": "calibration too old",
    "why-outside-training-range": "outside training range",
    "why-too-few-beats": "too few beats",
    "why-starting": "starting",
    "why": "no estimate",
    "why-gap": "gap in the pulse wave",
    "why-clipped": "signal clipped",
    "why-poor-signal": "poor signal",
    "why-irregular-pulse": "irregular pulse",
    "why-no-model": "no model",
    "why-not-in-model": "not in the model",
    "why-implausible": "implausible",
    "why-no-interval": "no interval",
    "why-unknown": "no estimate",
    "reference-absent": "no reference connected",
    "reference-no-scale": "CNAP: no volt-to-mmHg scale",
    "reference-uncalibrated": "CNAP: uncalibrated, not a valid reference",
    "reference-age": "CNAP calibrated {age} ago",
    "adc-calibrated": "ADC calibrated {date} ({method})",
    "adc-method-two-point": "two points",
    "adc-method-fitted": "fitted",
    "adc-method-entered": "entered",
    "personalised": "personalised {age} ago",
    "not-personalised": "not personalised",
    "cuff-last": "cuff {sbp}/{dbp} {unit} at {time}, {age} ago",
    "cuff-none": "no cuff reading",
    "footer-no-model": "No model is running. Research recorder. Not for treatment or alarms.",
    "footer-refused": "No estimates: {why}. Not for treatment or alarms.",
    "footer-simulated": "Simulated estimate. Learned from a physiology model only. Not checked against {unchecked}. "
    "Not for treatment or alarms.",
    "footer": "Research estimate. Learned from {kinds}, {site}, {n} {n:subject|subjects}. Not checked against "
    "{unchecked}. "
    "Not for treatment or alarms.",
    # volt to mmHg
    "scale-title": "Volt to mmHg of the analogue input",
    "scale-explained": "Let the monitor give out two known pressures, at least 50 mmHg apart, e.g. its calibration "
    "output. For each, take the volt and type the pressure that the monitor shows.",
    "scale-volt": "Volt",
    "scale-mmhg": "mmHg",
    "scale-point": "Point {number}",
    "scale-volt-1": "Volt of point 1",
    "scale-mmhg-1": "mmHg of point 1",
    "scale-volt-2": "Volt of point 2",
    "scale-mmhg-2": "mmHg of point 2",
    "scale-operator": "Operator code",
    "scale-live": "Now {volt} V",
    "scale-no-volt": "No live volt: nothing arrives from the analogue input",
    "scale-line": "mmHg = {gain} · V {offset}",
    "scale-no-adc": "No analogue input is connected: connect it, then calibrate.",
    "scale-incomplete": "Please {why}.",
    "scale-refused": "{why}",
    # trend
    "trend-empty": "The trend begins with the first estimate",
    "trend-pressure": "SBP · DBP",
    "trend-MAP": "MAP",
    "trend-HR": "HR",
    "trend-flow": "CO",
    "trend-SVR": "SVR",
    "trend-legend-estimate": "estimate with 90 % band",
    "trend-legend-reference": "CNAP",
    "trend-legend-cuff": "cuff",
    "trend-span": "{minutes} min",
    # health
    "stream-e4.bvp": "PPG",
    "stream-e4.acc": "Motion",
    "stream-e4.eda": "EDA",
    "stream-e4.temp": "Skin",
    "stream-adc.wave": "CNAP",
    "stream-edge.est": "Estimate",
    "stream-edge.arm": "Arm",
    "stream-edge.heart": "One heart",
    "stream-edge.beats_ppg": "PPG beats",
    "stream-edge.beats_abp": "CNAP beats",
    "stream": "{stream}",
    "state-streaming": "streaming",
    "state-never-seen": "never seen",
    "state-silent": "silent",
    "state-lost": "lost",
    "health-rate": "{rate} Hz",
    "health-row-rate": "{rate}/s",
    "health-received": "in {received}",
    "health-counts": "in {received}  disk {on_disk}",
    "health-lost": "lost {lost}  {age}  {latency}",
    "health-age": "{age}",
    "health-gaps": "lost {lost}  gaps {gaps}  {age}",
    "health-none": "No device delivers yet",
    # banners
    "recorder-starting": "Starting the recorder …",
    "recorder-down": "The recorder does not answer since {age}. It is being restarted.",
    "recorder-down-recording": "The recorder does not answer since {age}. It is being restarted and goes on with the "
    "same session; the gap is stored.",
    "recorder-failed": "The recorder could not be started: {error}",
    "edge-failed": "The estimates could not be started: {error}",
    "no-devices": "No device is set up on this station.",
    "virtual-bedside-gone": "The virtual bedside of this station has ended. Open it again, or set up devices.",
    "link-lost": "{device} lost since {since} ({age}). {error} Trying again, attempt {attempt}.",
    "link-silent": "{device} connected but silent since {since} ({age}). {error}",
    "link-connecting": "{device} never seen: connecting since {since} ({age}). {error}",
    "link-scanning": "{device} never seen: searching since {since} ({age}). {error}",
    "starved-never-seen": "{stream} never seen: no sample since {since} ({age}). {cause}",
    "starved-silent": "{stream} silent since {since} ({age}). {cause}",
    "starved-lost": "{stream} lost since {since} ({age}). {cause}",
    "disk-24h": "Room for {left} of recording is left in {folder}.",
    "disk-2h": "Only {left} of recording are left on the disk. Free room in {folder} or plan to stop.",
    "disk-15min": "Only {left} of recording are left on the disk. Recording stops cleanly when it is full.",
    "disk-stopped": "The disk is full: recording was stopped cleanly. Free room in {folder}, then start again.",
    "square-wave-ended": "The CNAP signal showed a calibration pattern. Has the monitor calibrated itself?",
    "session-incomplete": "This session is marked incomplete: {reason}",
    "warning": "{value}",
    "warning-sleep": "This machine could not be kept from sleeping ({value}). Switch sleep off by hand.",
    "warning-confirm-subject": "The recording was away for {age}. Is the same person still in the bed?",
    "warning-storage": "The disk refused: {value}",
    "warning-resume-failed": "The session could not be taken up again: {value}",
    "control-lost": "Another window took control of this station.",
    "refused": "{error}",
    # markers
    "marker-button": "{key}  {label}",
    "marker-dead": "Marker keys are off while you type",
    "marker-made": "Marked: {label}",
    "show-title": "What is shown – never what is stored",
    "show-parameters": "Numbers",
    "show-waves": "Waves",
    "show-speed": "Paper speed",
    "show-unit": "Pressure in",
    "show-trend": "Trend",
    "show-palette": "Colours",
    "palette-standard": "Standard",
    "palette-colour-blind": "Colour-blind safe",
    # closing
    "closing-title": "Recording goes on",
    "closing-text": "{pseudonym} is being recorded since {elapsed}. The recorder goes on without this window; "
    "open HemoView again to come back to it. Estimates go on too. To end the recording, press Stop first.",
    "banners-more": "and {n} more …",
    "banners-all": "All {n} …",
    "banners-whole": "Read it …",
    "banners-title": "What needs attention",
    "banners-close": "Close",
    "banners-fewer": "Only the worst",
    "closing-bedside": "The virtual bedside was opened in this window and ends with it: its devices fall silent in "
    "every window, and a recording of them goes on with a gap.",
    "about-text": "<h3>HemoView {version}</h3><p>Research recorder. Never for treatment, never for alarms.</p>"
    "<p>MIT licence. This window uses <b>Qt for Python (PySide6), Qt {qt}</b>, under the GNU LGPL version 3. "
    "Qt is linked dynamically and may be replaced by another build of the same version: it lies as ordinary "
    "shared libraries in the folder <i>{folder}</i>. Source: qt.io/download-open-source. Other components and "
    "their licences are listed in THIRD_PARTY.md, installed beside this program.</p>",
}


def use_language(language: Language) -> None:
    """Say everything from now on in English or Simplified Chinese; an id without a translation stays English.

    Windows that are open keep the words they have.
    """
    _chosen[:] = [language]
    _words.clear()
    _words.update(ENGLISH_WORDS | (CHINESE_WORDS if language == "zh" else {}))


def language() -> Language:
    """What everything is said in."""
    return _chosen[0]


def text(message_id: str, **values: object) -> str:
    """The words of a message; a value that is a list or a tuple is told as :func:`listed` does.

    Raises:
        KeyError: the catalogue has no such id.
    """
    template = in_number(_words[message_id], values)
    return template.format(**{name: _word(value) for name, value in values.items()})


def listed(members: Iterable[object]) -> str:
    """``SBP, MAP, HR`` as the language writes a list; Chinese ``SBP、MAP、HR``."""
    return _words["joint"].join(str(_word(each)) for each in members)


def clauses(members: Iterable[object]) -> str:
    """The same of what has commas of its own: ``a: no, never; b: yes``."""
    return _words["joint-clauses"].join(str(_word(each)) for each in members)


def sentence(said: str) -> str:
    """A finished sentence, of the recorder or of a template that came with HemoView, in the language of the screen."""
    return str(_word(said))


def words(message: Message | None) -> str:
    """The words of a message, empty for none. A stream nobody named is called by its id."""
    if message is None:
        return ""
    known = message.id if message.id in _words else message.id.split("-", 1)[0]
    return text(known, **message.as_dict()).strip()


def refusal(error: Exception | str) -> str:
    """Why something was refused, in the operator's language: who, what, what to do."""
    return text("refused", error=error_words(str(error), getattr(error, "advice", "")))


def error_words(sentence: str, advice: str) -> str:
    """An error of the recorder, which came as a finished English sentence with the id of what to do about it."""
    return error_in_chinese(sentence, advice) if _chosen == ["zh"] else sentence


def label_said(label: str) -> str:
    """A marker's label of ours in the language of the screen; a template's own as it is. Stored is ``label``."""
    known = f"label-{label}"
    return text(known) if known in _KNOWN_IDS else label


def known_ids() -> frozenset[str]:
    """Every id that has text."""
    return _KNOWN_IDS


def _word(value: object) -> object:
    if isinstance(value, Message):
        return words(value)
    if isinstance(value, list | tuple):
        return listed(value)
    return in_chinese(value) if isinstance(value, str) and _chosen == ["zh"] else value


def _merged(language: str, own: Mapping[str, str]) -> dict[str, str]:
    """The words of the window as a whole and of the pages that keep their own."""
    merged = dict(own)
    for page in pkgutil.iter_modules(pages.__path__, f"{pages.__name__}."):
        merged |= getattr(importlib.import_module(page.name), language, {})
    return merged


LANGUAGES: Final = get_args(Language)
ENGLISH_WORDS: Final = _merged("ENGLISH", ENGLISH)
CHINESE_WORDS: Final = _merged("CHINESE", {})
_KNOWN_IDS: Final = frozenset(ENGLISH_WORDS)
_words: Final = dict(ENGLISH_WORDS)
_chosen: Final[list[Language]] = ["en"]
