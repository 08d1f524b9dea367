"""Causes of the stage `evaluate`: where a trained model's error comes from; a file each."""
