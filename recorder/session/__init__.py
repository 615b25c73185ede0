"""The session store: journal, sealed segments, manifest, reader, verify, recover, erase.

``recorder.session.open(path)`` for researchers (worked example: ``resources/docs/reading-a-session.md``);
``create`` and ``resume`` for the recorder. On disk (format 1)::

    session.json        header, streams, clock eras, format number; signed with its own SHA-256
    live.sqlite         what is not sealed yet: WAL, synchronous=FULL, a CRC32 for every row
    live.mark           number of the last commit that returned
    segments/           <stream>-<first sample>.parquet, _clock-…, _events-…: immutable
    manifest.json       every segment with its SHA-256
    amendments.jsonl    corrections, append-only
    annotations/        <label set>.jsonl: labels made afterwards, append-only
    alignments/         how the clocks of two devices lie to each other, a signed file a version
    summary.bin         cache of what a picture of the whole needs (:mod:`recorder.session.summary`)
    derived/            caches of what was computed from the samples (:mod:`recorder.session.derived`)
    tombstone.json      instead of all of them, once erased

A discarded session lies in ``quarantine/`` beside the others for 30 days (:mod:`recorder.session.quarantine`).
"""

from recorder.session.amended import AMENDABLE, amend
from recorder.session.erase import Tombstone, erase
from recorder.session.facts import GapSpan, UnconfirmedSpan, gap_event
from recorder.session.header import FORMAT, SessionCard, SessionHeader
from recorder.session.markers import place_marker, standing_markers, take_marker_back
from recorder.session.points import ClockPoints
from recorder.session.quarantine import Quarantined, discard, purge, quarantined, restore
from recorder.session.reader import Session
from recorder.session.reader import open_session as open  # noqa: A004 -- session.open(path) is what people type
from recorder.session.recover import RecoverReport, recover
from recorder.session.rows import NO_TIME, runs_of
from recorder.session.salvage import rebuild_manifest
from recorder.session.unhide import hides_estimates, unhide
from recorder.session.verify import Damaged, VerifyReport, verify
from recorder.session.views import Overview, StreamData
from recorder.session.writer import SessionWriter, create, resume

__all__ = [
    "AMENDABLE",
    "FORMAT",
    "NO_TIME",
    "ClockPoints",
    "Damaged",
    "GapSpan",
    "Overview",
    "Quarantined",
    "RecoverReport",
    "Session",
    "SessionCard",
    "SessionHeader",
    "SessionWriter",
    "StreamData",
    "Tombstone",
    "UnconfirmedSpan",
    "VerifyReport",
    "amend",
    "create",
    "discard",
    "erase",
    "gap_event",
    "hides_estimates",
    "open",
    "place_marker",
    "purge",
    "quarantined",
    "rebuild_manifest",
    "recover",
    "restore",
    "resume",
    "runs_of",
    "standing_markers",
    "take_marker_back",
    "unhide",
    "verify",
]
