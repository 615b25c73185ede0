"""Which stream of a session is the pulse and which the pressure, and the beats of both."""
