"""One attempt from claim to settlement: start reading at `pipeline.Pipeline.run`."""
