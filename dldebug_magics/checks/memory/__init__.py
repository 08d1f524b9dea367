"""Checks of the stage `memory`: does it fit, and what takes the room?"""
