"""Compare what the database holds with the code of this process, and run nothing."""
