"""The ten values of a window by what a reference said meanwhile."""
