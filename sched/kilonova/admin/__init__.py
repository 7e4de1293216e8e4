"""Operators' work: policies, vGPU types, the image cache, rescue."""
