"""Parallel maps over independent items: forked processes, threads, a Dask cluster."""
