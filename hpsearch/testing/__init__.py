"""The contract of a trial store as tests: what ``hpsearch.store.protocol`` guarantees, on any store.

To hold another store to it, subclass ``StoreContract`` in a test module and define the fixture
``store_driver``; pytest then collects all tests of the contract under that class::

    from hpsearch.testing import StoreContract, StoreDriver

    class TestOurStore(StoreContract):
        @pytest.fixture
        def store_driver(self, tmp_path):
            clock = AdjustableClock()
            store = OurStore(tmp_path, clock)
            yield StoreDriver(store=store, shift_clock_of=lambda exp_key, seconds: clock.shift(seconds))
            store.close()

The fixture may return the same store each time, since every test uses experiments with new names. Tests of
leases shift the store's clock instead of sleeping; where the clock cannot be shifted, move the stored times
of the experiment the other way. A store whose data outlives its process passes ``DurabilityContract``, too.

Not covered, because only the store's own tests can see it: that the cost of a claim is constant (3), and
that a fail-over loses nothing (10). This package needs pytest, which hpsearch does not install.
"""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite(f"{__name__}.contract")  # before it is imported

from hpsearch.testing.contract import StoreContract  # noqa: E402
from hpsearch.testing.contract.driver import StoreDriver  # noqa: E402
from hpsearch.testing.contract.durability import DurabilityContract  # noqa: E402

__all__ = ["DurabilityContract", "StoreContract", "StoreDriver"]
