"""What the screen says: texts by id in English and Chinese, and words for what recorder and service report."""
