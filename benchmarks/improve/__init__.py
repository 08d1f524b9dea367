"""Ten problems whose best remedy is known because all were trained in full: is it ranked first or second? README.md states the rules."""
