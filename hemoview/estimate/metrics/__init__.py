"""Figures about estimates of labelled windows, by subject, with intervals, beside baselines."""
