"""Rows to learn from and rows to be scored on."""
