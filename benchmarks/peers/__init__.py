"""djtasks beside other task queues, in one run on one machine; docs/benchmarks.md shows it."""
