"""From foreign recordings to one session: what is odd is asked, what is written is whole."""
