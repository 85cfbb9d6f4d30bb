"""From an adapter to a version directory that readers trust."""
