"""Networks of every structure in the space."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra torch)")

from convnet.network import ResidualBlock, build_network, count_weights  # noqa: E402
from convnet.space import space  # noqa: E402

from hpsearch import Space  # noqa: E402
from tests.support.convnet import PLAIN  # noqa: E402

# More threads do not speed up such small networks.
torch.set_num_threads(1)

SPACE = Space(space)


def kinds(**changed: Any) -> list[type]:
    """Return the kinds of the layers of a network for digits."""
    return [type(layer) for layer in build_network({**PLAIN, **changed}, (1, 8, 8), 10)]


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32)])
@pytest.mark.parametrize("seed", range(8))
def test_every_point_gives_one_logit_per_class_for_any_image_size(
    seed: int, shape: tuple[int, int, int]
) -> None:
    config = SPACE.config(SPACE.sample(np.random.default_rng(seed)))
    logits = build_network(config, shape, 7)(torch.rand(2, *shape))
    assert logits.shape == (2, 7)
    assert torch.isfinite(logits).all()


def test_each_structural_parameter_changes_the_network() -> None:
    nn = torch.nn
    assert kinds().count(nn.Conv2d) == kinds().count(nn.MaxPool2d) == 2
    assert kinds(n_stages=3).count(nn.MaxPool2d) == 3
    assert kinds(pooling="average").count(nn.AvgPool2d) == 2
    assert kinds(pooling="strided").count(nn.Conv2d) == 4
    assert kinds(batch_norm=True).count(nn.BatchNorm2d) == 2
    assert kinds(activation="elu").count(nn.ELU) == 3
    assert kinds(residual_blocks=3).count(ResidualBlock) == 2 * 3
    assert kinds(extra_layer={"units_mult": 1.0, "dropout": 0.1}).count(nn.Linear) == 3


@pytest.mark.parametrize(("n_stages", "side"), [(1, 2), (2, 2), (3, 1)])
def test_the_head_averages_the_last_stage_to_at_most_four_pixels(n_stages: int, side: int) -> None:
    layers = build_network({**PLAIN, "n_stages": n_stages}, (1, 8, 8), 10)
    first = next(layer for layer in layers if isinstance(layer, torch.nn.Linear))
    assert first.in_features == 12 * 2 ** (n_stages - 1) * side**2


def test_multipliers_and_the_kernel_scale_the_weights() -> None:
    n = count_weights(build_network(PLAIN, (1, 8, 8), 10))
    for changed in ({"channels_mult": 2.0}, {"units_mult": 2.0}, {"kernel_size": 5}):
        assert count_weights(build_network({**PLAIN, **changed}, (1, 8, 8), 10)) > 1.2 * n


def test_a_residual_block_with_zero_weights_is_the_identity() -> None:
    block = ResidualBlock(PLAIN, 4)
    for weights in block.parameters():
        torch.nn.init.zeros_(weights)
    x = torch.rand(2, 4, 8, 8)
    assert torch.equal(block(x), x)
