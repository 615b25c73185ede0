"""Before and after a recording: start, stop, templates, and corrections of what was said about a person."""
