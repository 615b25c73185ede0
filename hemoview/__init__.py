"""HemoView: everything built on the recorder core – estimation, screens, learning, benchmarks."""
