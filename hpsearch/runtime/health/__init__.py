"""Health of a process over HTTP: liveness, readiness and metrics."""
