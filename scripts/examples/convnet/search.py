"""Search a convolutional network for small images: how it is built, and how it is trained.

The images are scikit-learn's digits, or CIFAR-100 where ``CONVNET_DATA`` names its folder;
see README.md. In this process, or with two workers::

    python scripts/examples/convnet/search.py
    hpsearch run scripts/examples/convnet/search.py --exp-key convnet --max-evals 36 --workers 2
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from convnet.results import improvement_text, read_records
from convnet.settings import read_settings
from convnet.space import space
from convnet.trial import prepare, run_trial

from hpsearch import CurrentTrial, HpsearchError, current_trial, fmin, tpe
from hpsearch.hyperopt.fmin import fmin_pass_expr_memo_ctrl
from hpsearch.hyperopt.pyll import rec_eval

__all__ = ["objective", "space"]


def objective(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return one minus the best accuracy on the validation images, with what else was measured."""
    return run_trial(config, current_trial(), read_settings(os.environ))


def main(arguments: list[str]) -> None:
    """Run or continue a search in this process; print each result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--max-evals", type=int, default=36, help="Trials in all. Default: %(default)s.")
    parser.add_argument("--seed", type=int, default=0, help="Seed of the search. Default: %(default)s.")
    parser.add_argument("--exp-key", default="fmin", help="Name of the search. Default: %(default)s.")
    options = parser.parse_args(arguments)
    settings = read_settings(os.environ)
    prepare(settings)
    settings.results.mkdir(parents=True, exist_ok=True)

    # In fmin, only this form of an objective receives the number of its trial.
    @fmin_pass_expr_memo_ctrl
    def numbered(expr: Any, memo: Any, ctrl: Any) -> dict[str, Any]:
        trial = CurrentTrial(exp_key=options.exp_key, tid=ctrl.current_trial["tid"])
        result = run_trial(rec_eval(expr, memo=memo), trial, settings)
        outcome = f"accuracy {result['accuracy']:.4f}" if "accuracy" in result else result["message"]
        print(f"trial {trial.tid}: {outcome}", flush=True)
        return result

    fmin(
        numbered,
        space,
        algo=tpe.suggest,
        max_evals=options.max_evals,
        rstate=options.seed,
        show_progressbar=False,
        # Saved after each trial: the same command goes on after an interruption.
        trials_save_file=str(settings.results / f"{quote(options.exp_key, safe='')}.trials"),
    )
    print(improvement_text(read_records(settings.results, options.exp_key)))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except HpsearchError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("Interrupted: the same command goes on from here.")
else:
    # A worker that lacks a requirement fails before it claims a trial.
    prepare(read_settings(os.environ))
