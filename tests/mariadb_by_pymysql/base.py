"""Django's engine for MySQL. PyMySQL takes the place of mysqlclient, which has no wheel.

An engine of its own, so that PyMySQL is imported by those who connect to MariaDB only.
"""

import pymysql

pymysql.version_info = (2, 2, 8, "final", 0)
pymysql.install_as_MySQLdb()

from django.db.backends.mysql.base import DatabaseWrapper  # noqa: E402 - it looks for MySQLdb

__all__ = ["DatabaseWrapper"]
