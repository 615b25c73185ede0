"""The live path: bedside → service → browser. Lossy, to look at: no record, and never an alarm."""
