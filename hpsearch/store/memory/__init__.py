"""The promises of ``hpsearch.store.protocol`` kept in one process's memory."""
