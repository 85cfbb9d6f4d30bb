"""
Fine-tunes an open language model with LoRA, scores it, and publishes it as an immutable version
directory.
"""
