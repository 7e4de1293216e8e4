"""Columnar placement: find, filter and weigh allocation candidates in memory."""
