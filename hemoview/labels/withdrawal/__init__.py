"""A subject takes the consent back: where it is, what goes, what stays and is marked."""
