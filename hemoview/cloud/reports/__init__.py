"""Reports of sessions: made as jobs from what custody keeps, signed by clinicians, and what is said to the bedside."""
