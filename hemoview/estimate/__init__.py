"""Model bundles and what turns their output into honest estimates: numpy and onnxruntime, no torch."""
