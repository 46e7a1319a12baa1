"""MongoDB behind the promises of ``hpsearch.store.protocol``: the only modules that know the driver."""
