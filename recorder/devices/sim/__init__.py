"""The virtual bedside: one physiology model behind emulators that speak the real wire protocols."""
