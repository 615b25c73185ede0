"""Readers (and later writers) of foreign files. One type for all that is read: :class:`Recording`."""

from recorder.exchange.sources.reading import read_recording
from recorder.exchange.sources.recording import Moment, Numeric, Recording, RecordingFacts, Signal

__all__ = ["Moment", "Numeric", "Recording", "RecordingFacts", "Signal", "read_recording"]
