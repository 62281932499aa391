"""Independent work side by side: forks, threads, Dask."""
