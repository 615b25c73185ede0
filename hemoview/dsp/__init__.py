"""The one implementation of filters, windows, beats and quality; live, offline and in training."""
