"""A network between a worker and its servers, in a process of its own.

    python -m benchmarks.growth.network SECONDS

Prints the environment of a worker that is to go through it, and ends with its standard input.
"""

import json
import os
import sys
from pathlib import Path

from tests.chaos.proxy import Proxy


def main(delay: float) -> None:
    """Stand in front of the benchmark's PostgreSQL and Redis until told to end."""
    index = Path(os.environ["BENCH_REDIS"].removeprefix("unix://").split("?")[0])
    proxies = [Proxy(Path(os.environ["BENCH_POSTGRES"]) / ".s.PGSQL.5432"), Proxy(index)]
    for proxy in proxies:
        proxy.delay = delay
    environment = {
        "BENCH_POSTGRES_HOST": "127.0.0.1",
        "BENCH_POSTGRES_PORT": str(proxies[0].port),
        "BENCH_REDIS": f"redis://127.0.0.1:{proxies[1].port}/0",
    }
    print(json.dumps(environment), flush=True)
    sys.stdin.read()
    for proxy in proxies:
        proxy.close()


if __name__ == "__main__":
    main(float(sys.argv[1]))
