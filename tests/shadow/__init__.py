"""An app with a `runworker` of its own, as Channels has one."""
