"""Work that a request does not wait for: a queue in the database, and one worker in the process."""
