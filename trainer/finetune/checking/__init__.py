"""What `--check` finds out before anything is trained."""
