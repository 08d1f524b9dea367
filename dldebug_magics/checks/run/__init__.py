"""Causes of the stage `run`: why a program crashes, or gives its tensors the wrong shape; a file each."""
