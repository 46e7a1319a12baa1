"""Draw every parameter of a search against the accuracy, from the files of its results.

Columns of points are choices, and whole numbers of a few values; a parameter shows the
trials in which it was active. Needs the extra ``plot``, and no PyTorch::

    python scripts/examples/convnet/plot.py --exp-key convnet
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from convnet.figure import draw
from convnet.panels import make_panels
from convnet.results import improvement_text, read_records
from convnet.settings import read_settings
from convnet.space import space

from hpsearch import HpsearchError, Space


def main(arguments: Sequence[str]) -> None:
    """Read the results of a search, draw them, and print a summary."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, help="With the results. Default: CONVNET_RESULTS.")
    parser.add_argument("--exp-key", help="The search. Needed where the folder holds several.")
    parser.add_argument("--output", "-o", type=Path, help="The picture. Default: scatter.png.")
    options = parser.parse_args(arguments)
    folder = options.folder or read_settings(os.environ).results
    records = read_records(folder, options.exp_key)
    out = options.output or Path("scatter.png")
    exp_key, dataset = records[0].exp_key, records[0].result.get("dataset")
    title = f"{exp_key}: {len(records)} convolutional networks on {dataset}, the best one ringed"
    draw(make_panels(Space(space), records), title).savefig(out)
    print(improvement_text(records), f"Drawn in {out}", sep="\n")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except HpsearchError as error:
        sys.exit(str(error))
