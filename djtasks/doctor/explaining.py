"""Turn errors of servers into findings: what they mean, and what to do about them."""

from djtasks.doctor.findings import Finding, bad

_REMEDIES = {
    "password": "Correct USER and PASSWORD of DATABASES[{alias!r}].",
    "unreachable": "Start the server, or correct HOST and PORT of DATABASES[{alias!r}].",
    "no-database": "Create the database, or correct NAME of DATABASES[{alias!r}].",
    "read-only": "Connect to the primary server, not to a replica, and let the user of "
    "DATABASES[{alias!r}] write.",
    "forbidden": "Give the user of DATABASES[{alias!r}] the rights that docs/guides/security.md "
    "lists for its role.",
    "connections": "Raise max_connections, put a pgbouncer in front, or run fewer processes and "
    "threads.",
    "migrations": "Run: manage.py migrate djtasks --database {alias}",
    "disk-full": "Free disk space on the database server.",
    "locked": "Find the session that holds the lock (pg_stat_activity, SHOW PROCESSLIST), and end "
    "it.",
    "database": "Check the log of the database server.",
}
_SQLSTATES = {
    "28000": "password",
    "28P01": "password",
    "3D000": "no-database",
    "25006": "read-only",
    "42501": "forbidden",
    "53300": "connections",
    "42P01": "migrations",
    "42703": "migrations",
    "53100": "disk-full",
    "55P03": "locked",
    "57014": "locked",
}
_MYSQL_NUMBERS = {
    1044: "forbidden",
    1045: "password",
    1049: "no-database",
    2002: "unreachable",
    2003: "unreachable",
    2005: "unreachable",
    1290: "read-only",
    1792: "read-only",
    1142: "forbidden",
    1040: "connections",
    1146: "migrations",
    1054: "migrations",
    1021: "disk-full",
    1205: "locked",
}
# A connection that fails has no SQLSTATE in psycopg, and SQLite has no codes in Django's errors.
_WORDS = {
    "password authentication failed": "password",
    "no password supplied": "password",
    "readonly database": "read-only",
    "no such table": "migrations",
    "no such column": "migrations",
    "disk is full": "disk-full",
    "database is locked": "locked",
    "unable to open database file": "unreachable",
    "too many clients": "connections",
    "remaining connection slots": "connections",
    "does not exist": "no-database",
    "could not connect": "unreachable",
    "connection failed": "unreachable",
    "connection is bad": "unreachable",
}


def database_finding(part: str, alias: str, error: Exception) -> Finding:
    """Return a finding that explains an error of the database in DATABASES[alias]."""
    code = _database_code(error)
    text = f"The database {alias!r} returned an error: {in_one_line(error)}"
    return bad(part, code, text, _REMEDIES[code].format(alias=alias))


def _database_code(error: Exception) -> str:
    cause = error.__cause__ or error
    sqlstate = getattr(cause, "sqlstate", None)
    if sqlstate in _SQLSTATES:
        return _SQLSTATES[sqlstate]
    number = cause.args[0] if cause.args else None
    if isinstance(number, int) and number in _MYSQL_NUMBERS:
        return _MYSQL_NUMBERS[number]
    said = str(error).lower()
    return next((code for words, code in _WORDS.items() if words in said), "database")


_BROKER_WORDS = {
    "OOM ": (
        "full",
        "Raise its maxmemory, or give the index its own Redis. Nothing is lost: tasks that do not "
        "fit wait in the database.",
    ),
    "READONLY": (
        "read-only",
        "Connect to the primary, not to a replica: correct LOCATION in CACHES.",
    ),
    "MISCONF": (
        "disk-full",
        "Free space on its disk, or turn persistence off: djtasks does not need it.",
    ),
    "NOPERM": ("forbidden", "Give its user the commands that docs/guides/security.md lists."),
    "no permissions": (
        "forbidden",
        "Give its user the commands that docs/guides/security.md lists.",
    ),
}


def broker_finding(part: str, error: Exception) -> Finding:
    """Return a finding that explains an error of the broker."""
    said = in_one_line(error)
    code, remedy = next(
        (found for words, found in _BROKER_WORDS.items() if words in said),
        ("broker", "Check the broker's log. Meanwhile, workers fetch tasks from the database."),
    )
    return bad(part, code, said, remedy)


def in_one_line(error: object) -> str:
    """Return a message on one line, with a full stop at the end."""
    said = " ".join(str(error).split())
    return said if said.endswith((".", "!", "?")) else f"{said}."
