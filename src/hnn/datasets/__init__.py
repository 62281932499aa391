"""Data sets of simulated and of measured trajectories."""
