"""Verifies a version directory and serves it with vLLM: `python -m serve --model=DIRECTORY`."""
