"""Where bases and data come from and versions go."""
