"""From a base and rows to an adapter."""
