"""The user's own loop, watched: what goes wrong between the objects, in which order things happen, and on which line."""
