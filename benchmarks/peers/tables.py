"""The tables of docs/benchmarks.md, in Markdown."""

import json
from collections.abc import Callable, Sequence

from benchmarks.peers.summary import Entrant, Range, Summary

OURS, CEILING = "djtasks", "ceiling"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; the first column is text, the others are as they come."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def number(value: float) -> str:
    """Return a figure with no more digits than it is good for."""
    if value >= 1000:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def spread(found: Range | None) -> str:
    """Return a median with its range; a dash where there is no figure."""
    if found is None:
        return "-"
    if found.least == found.most:
        return number(found.median)
    return f"{number(found.median)} [{number(found.least)} .. {number(found.most)}]"


def times(ours: Range | None, theirs: Range | None) -> str:
    """Return how many times theirs ours is."""
    if ours is None or theirs is None:
        return "-"
    return f"{number(ours.median / theirs.median)} x"


def _name(one: Entrant) -> str:
    return f"**{one.name}**" if one.name == OURS else one.name


def drain(summary: Summary) -> str:
    """Return throughput, CPU a task, and how many times a contestant's djtasks' is."""

    def rate(one: Entrant) -> Range | None:
        return one.range_of("drain_per_second")

    ours = summary.entrants.get(OURS)
    rows = [
        [
            _name(one),
            one.about["durability"]["task"],
            one.about["durability"]["result"],
            spread(rate(one)),
            times(rate(ours), rate(one)) if ours and one.name != OURS else "",
            spread(one.range_of("worker_cpu_us")),
            spread(one.range_of("server_cpu_us")),
        ]
        for one in summary.ranked(rate)
    ]
    head = ["", "task stored as", "result stored as", "tasks/s", "djtasks compared"]
    return table([*head, "worker CPU, µs per task", "server CPU, µs per task"], rows)


def enqueue(summary: Summary) -> str:
    """Return rates of enqueueing, one by one and many at once."""
    rows = [
        [
            _name(one),
            one.about["durability"]["task"],
            spread(one.range_of("enqueue_per_second")),
            spread(one.range_of("enqueue_cpu_us")),
            spread(one.range_of("enqueue_many_per_second")),
        ]
        for one in summary.ranked(lambda one: one.range_of("enqueue_per_second"))
    ]
    head = ["", "task stored as", "one by one, /s", "producer CPU, µs per task"]
    return table([*head, "many per call, /s"], rows)


def pick_up(summary: Summary) -> str:
    """Return percentiles of the pick-up latency."""

    def cells(one: Entrant) -> list[str]:
        count = sum(len(run["waits_ms"]) for run in one.runs)
        return [*(spread(one.wait(share)) for share in (0.5, 0.95, 0.99)), str(count)]

    ranked = summary.ranked(lambda one: one.wait(0.5), least=True)
    return table(
        ["", "p50, ms", "p95, ms", "p99, ms", "samples"],
        [[_name(one), *cells(one)] for one in ranked],
    )


def naps(summary: Summary) -> str:
    """Return the seconds of many sleeping tasks, and who did not take part."""
    ranked = summary.ranked(lambda one: one.range_of("nap_seconds"), least=True)
    rows = [[_name(one), spread(one.range_of("nap_seconds"))] for one in ranked]
    rows += [
        [one.name, f"not run: {one.about['no_nap']}"]
        for one in summary.entrants.values()
        if one not in ranked and one.about["no_nap"]
    ]
    return table(["", "seconds"], rows)


def durability(summary: Summary) -> str:
    """Return what each promises."""
    keys = ("task", "result", "worker_killed", "broker_killed")
    rows = [
        [_name(one), *(one.about["durability"][key] for key in keys)]
        for one in summary.entrants.values()
    ]
    head = ["", "task stored as", "result stored as", "`kill -9` of a worker loses"]
    return table([*head, "`kill -9` of the broker loses"], rows)


def settings(summary: Summary) -> str:
    """Return versions, commands and settings."""

    def cells(one: Entrant) -> list[str]:
        about = one.about
        versions = ", ".join(f"{name} {which}" for name, which in about["versions"].items())
        commands = [*dict.fromkeys(about["work"])]
        count = len(about["work"])
        times = f" ({count} of them)" if count > 1 else ""
        command = " ".join(commands).replace("{bin}/", "") + times
        own = f"`{json.dumps(about['settings'])}`" if about["settings"] else ""
        return [versions, f"`{command}`", own]

    rows = [[_name(one), *cells(one)] for one in summary.entrants.values()]
    return table(["", "versions", "worker", "settings"], rows)


def absences(summary: Summary) -> str:
    """Return who has no figures or not all of them, and why; a sentence if nobody."""
    gone = [f"- {name}: {why}." for name, why in summary.missing.items()]
    gone += [
        f"- {one.name}: {len(one.failures)} of its runs without figures, because of this: "
        f"{'; '.join(dict.fromkeys(one.failures))[:300]}."
        for one in summary.entrants.values()
        if one.failures
    ]
    return (
        "\n".join(gone) or "All contestants took part, and in every run each task ran exactly once."
    )


def best(summary: Summary, key: Callable[[Entrant], bool], figure: str) -> Entrant | None:
    """Return the peer with the highest rate among some; None when there is none."""
    peers = summary.ranked(lambda one: one.range_of(figure))
    return next((one for one in peers if one.name not in {OURS, CEILING} and key(one)), None)
