"""Changes that a check may try: each takes a lent subject and gives the repaired one. What they write to is a loan."""
