"""Nevergrad's optimizer "HyperOpt": ask and tell over mixed parameters."""

import nevergrad as ng
from report import report


def loss(x, rate, kind):
    return (x - 0.3) ** 2 + abs(rate - 0.01) + (0.0 if kind == "b" else 0.5)


parameters = ng.p.Instrumentation(
    x=ng.p.Scalar(lower=-1, upper=1),
    rate=ng.p.Log(lower=1e-4, upper=1.0),
    kind=ng.p.Choice(["a", "b"]),
)
parameters.random_state.seed(1)
optimizer = ng.optimizers.registry["HyperOpt"](parametrization=parameters, budget=40)
best = optimizer.minimize(loss)
assert optimizer.num_tell == len(optimizer.trials) == 40
report(optimizer.num_tell, loss(**best.kwargs))
