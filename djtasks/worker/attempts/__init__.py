"""One attempt from claim to verdict: start reading at `pipeline`."""
