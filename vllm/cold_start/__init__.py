"""How long a cold start takes: what can be measured without a cloud and without a GPU."""
