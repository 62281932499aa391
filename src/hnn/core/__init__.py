"""Foundations of every other package: errors, cells, phase space, trajectories, plug-ins, random streams, statistics."""
