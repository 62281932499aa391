"""Simulated and measured trajectories."""
