"""How fast training is, in the shape of a Gemma 2B, against trl's trainer."""
