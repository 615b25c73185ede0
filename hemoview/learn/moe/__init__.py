"""LSM²oE, the teacher: shared bottom, sparse experts, a gate per task group, a tower per task."""
