"""The edge process around ``hemoview.estimate``."""
