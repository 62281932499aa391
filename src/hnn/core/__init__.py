"""What every other package may use: errors, phase space, trajectories, plug-ins, random streams, statistics."""
