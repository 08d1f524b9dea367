"""Loops of the user's own: healthy ones of every kind, which must be left in peace, and faulty ones with the line that is at fault."""
