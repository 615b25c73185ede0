"""What comes in and goes out: import, export, datasets, reports, withdrawal."""
