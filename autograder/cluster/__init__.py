"""Grading on many machines, through Dask."""
