"""The session store: journal, sealed segments, manifest, reader, verify, recover, erase."""
