"""Tests that need only the standard library.

From the top of the repository: `python3 -m unittest discover -s scripts/compare/tests -t scripts`.
"""
