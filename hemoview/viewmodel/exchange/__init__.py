"""State of import, export, dataset, report and withdrawal, and their jobs."""
