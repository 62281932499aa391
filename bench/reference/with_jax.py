"""The same rollouts and the same training step in JAX and diffrax."""

from collections.abc import Callable, Sequence
from typing import Any

import diffrax
import jax
import jax.numpy as jnp
from numpy import ndarray

__all__ = ["field", "fresh_state", "loss", "rollouts", "training_step"]

Weights = list[Any]
"""W₁, b₁, W₂, b₂, W₃ of a network with two hidden layers and one output."""

RATE, BETA_1, BETA_2, EPSILON = 1e-3, 0.9, 0.999, 1e-8


def energy(weights: Weights, x: Any) -> Any:
    """The network's one output at one state (2n,)."""
    w1, b1, w2, b2, w3 = weights
    return (w3 @ jnp.tanh(w2 @ jnp.tanh(w1 @ x + b1) + b2))[0]


def field(weights: Weights, x: Any) -> Any:
    """dx/dt = J ∇H at one state (2n,)."""
    dH_dq, dH_dp = jnp.split(jax.grad(energy, argnums=1)(weights, x), 2)
    return jnp.concatenate([dH_dp, -dH_dq])


def rollouts(tolerance: float) -> Callable[[Weights, ndarray, ndarray], Any]:
    """A compiled function of weights, starts (starts, 2n) and times (time,), giving states (starts, time, 2n).

    Dormand and Prince's method of order 8, with a step size for each start; in float64 if JAX has it enabled.
    """

    def one(weights: Weights, x0: Any, t: Any) -> Any:
        term = diffrax.ODETerm(lambda time, x, weights: field(weights, x))
        control = diffrax.PIDController(rtol=tolerance, atol=tolerance)
        saved = diffrax.SaveAt(ts=t)
        solution = diffrax.diffeqsolve(
            term,
            diffrax.Dopri8(),
            t[0],
            t[-1],
            None,
            x0,
            weights,
            saveat=saved,
            stepsize_controller=control,
            max_steps=100_000,
        )
        return solution.ys

    return jax.jit(jax.vmap(one, in_axes=(None, 0, None)))


def loss(weights: Weights, x: Any, dx: Any) -> Any:
    """Mean squared error of the derivatives at points (points, 2n)."""
    return jnp.square(jax.vmap(field, in_axes=(None, 0))(weights, x) - dx).mean()


def fresh_state(weights: Sequence[Any]) -> Any:
    """The state of training: weights, both moments of Adam, the number of steps, the random key."""
    copies = [jnp.array(w) for w in weights]
    return copies, [jnp.zeros_like(w) for w in copies], [jnp.zeros_like(w) for w in copies], jnp.zeros(()), jax.random.key(0)


def training_step(batch: int | None) -> Callable[[Any, Any, Any], tuple[Any, Any]]:
    """A compiled step of Adam: from state, x and dx to (the next state, the loss); of `batch` points drawn anew, or of all."""

    def step(state: Any, x: Any, dx: Any) -> tuple[Any, Any]:
        weights, first, second, count, key = state
        if batch is not None:
            key, draw = jax.random.split(key)
            i = jax.random.randint(draw, (batch,), 0, len(x))
            x, dx = x[i], dx[i]
        value, gradients = jax.value_and_grad(loss)(weights, x, dx)
        count = count + 1
        first = [BETA_1 * m + (1 - BETA_1) * g for m, g in zip(first, gradients, strict=True)]
        second = [BETA_2 * v + (1 - BETA_2) * g * g for v, g in zip(second, gradients, strict=True)]
        rate = RATE * jnp.sqrt(1 - BETA_2**count) / (1 - BETA_1**count)
        epsilon = EPSILON * jnp.sqrt(1 - BETA_2**count)
        moves = [rate * m / (jnp.sqrt(v) + epsilon) for m, v in zip(first, second, strict=True)]
        weights = [w - move for w, move in zip(weights, moves, strict=True)]
        return (weights, first, second, count, key), value

    return jax.jit(step, donate_argnums=0)
