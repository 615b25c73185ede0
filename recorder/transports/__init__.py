"""Carry bytes and stamp their arrival: tcp, serial, replay."""

from recorder.transports.contract import Chunk, Transport

__all__ = ["Chunk", "Transport"]
