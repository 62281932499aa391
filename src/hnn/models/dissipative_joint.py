"""The network of dissipative_hnn, fitted to noisy states and derivatives jointly."""

from hnn.models.dissipative_hnn import DissipativeHamiltonianNetwork

__all__ = ["JointDissipativeNetwork"]


class JointDissipativeNetwork(DissipativeHamiltonianNetwork):
    """dx/dt = J ∇H(x) + ∇D(x) as in dissipative_hnn; derivatives are matched at fitted states, as in hnn_joint."""

    loss = "joint"
