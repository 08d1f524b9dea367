"""Known faults injected into healthy programs: how often is the right one named? README.md states the rules."""
