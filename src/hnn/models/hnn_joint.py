"""The Hamiltonian neural network, fitted to noisy states and derivatives jointly."""

from hnn.models.hnn import HamiltonianNetwork

__all__ = ["JointHamiltonianNetwork"]


class JointHamiltonianNetwork(HamiltonianNetwork):
    """dx/dt = J ∇H(x) as in hnn; derivatives are matched at fitted states, so that their noise does not slow the clock.

    Derivatives regressed on noisy states are attenuated (errors in variables: Fuller 1987, section 1.1).
    """

    loss = "joint"
