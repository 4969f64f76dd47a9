"""Insert, read and change workflows."""
