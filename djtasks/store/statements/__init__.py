"""What the stores say to a database: the SQL of PostgreSQL, and values to and from rows."""
