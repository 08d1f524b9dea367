"""Causes of the stage `shift`: in what way two splits differ, and whether it costs anything; a file each."""
