"""Compiled kernels: loops over arrays, free of names, files, clocks and randomness."""
