"""What is timed: one module per family, listed in `register.py`."""
