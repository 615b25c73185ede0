"""The flags of every command that needs a room of its own. Help and wrong usage load nothing of those rooms; what is
known only there – a choice, a default – is said here again, and a test holds both to be the same.
"""
