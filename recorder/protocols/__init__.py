"""Sans-IO codecs, one module a wire or file format: bytes in, events out; no clock, no await."""
