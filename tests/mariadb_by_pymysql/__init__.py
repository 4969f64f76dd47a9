"""A database engine: Django's for MySQL, with PyMySQL in the place of mysqlclient."""
