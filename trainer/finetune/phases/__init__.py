"""What a run does one after the other, and what it leaves for the next attempt."""
