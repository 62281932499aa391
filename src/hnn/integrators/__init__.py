"""From a vector field to trajectories: one-step methods, adaptive reference solvers and the driver."""
