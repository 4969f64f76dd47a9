"""`make mutations`: take one rule out of djtasks at a time, and see a test turn red for each.

    python -m tests.chaos.mutations [NAME...]

A test that stays green without the rule it is there for proves nothing. Each rule is taken out
of a copy of the source in a temporary folder; the tests run against that copy.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = "tests/chaos/traces"
_COPIED = ("djtasks", "tests", "demo_project", "templates", "pyproject.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """In `path`, `old` becomes `new`, every time it is there."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """A rule, and what takes it out."""

    rule: str
    edits: tuple[Edit, ...]

    @property
    def databases(self) -> str:
        """Return on which databases somebody can miss it, as a `-k` of pytest."""
        paths = {edit.path for edit in self.edits}
        if paths <= {"djtasks/store/portable.py", "djtasks/operations/pruning.py"}:
            return "default or sqlite or mariadb"
        return "default"


def _sql(old: str, new: str) -> Edit:
    return Edit(path="djtasks/store/statements/sql.py", old=old, new=new)


def _portable(old: str, new: str) -> Edit:
    return Edit(path="djtasks/store/portable.py", old=old, new=new)


def _worker(name: str, old: str, new: str) -> Edit:
    return Edit(path=f"djtasks/worker/{name}.py", old=old, new=new)


MUTATIONS = {
    "fence, PostgreSQL": Mutation(
        rule="a settle names the claim it is of",
        edits=(_sql("t.id = v.id AND t.fence = v.fence AND", "t.id = v.id AND"),),
    ),
    "fence, elsewhere": Mutation(
        rule="a settle names the claim it is of",
        edits=(
            _portable("if row.fence == fences[row.pk]}", "}"),
            _portable("pk=row.pk, fence=settlement.fence, worker", "pk=row.pk, worker"),
        ),
    ),
    "worker, PostgreSQL": Mutation(
        rule="a settle names the worker it is from",
        edits=(_sql("v.fence AND (t.worker = %(worker)s) IS TRUE", "v.fence"),),
    ),
    "worker, elsewhere": Mutation(
        rule="a settle names the worker it is from",
        edits=(
            _portable("(pk__in=sorted(fences), worker=worker)", "(pk__in=sorted(fences))"),
            _portable("fence=settlement.fence, worker=worker)", "fence=settlement.fence)"),
        ),
    ),
    "self-audit": Mutation(
        rule="a worker gives back what names it and it knows nothing of",
        edits=(
            _worker(
                "child/housekeeper", "if not unknown_claims:", "if unknown_claims is not None:"
            ),
        ),
    ),
    "claims in the air": Mutation(
        rule="the self-audit waits for a claim that is under way",
        edits=(
            _worker("child/housekeeper", "with self._holdings.claiming:\n", "if True:\n"),
            _worker(
                "child/sources",
                "with self._holdings.claiming:\n            wanted",
                "if True:\n            wanted",
            ),
        ),
    ),
    "claims in hand": Mutation(
        rule="what a worker is done with is one claim, not its record",
        edits=(
            _worker(
                "child/holdings",
                "if self._held.get(claim.id.int) == claim.fence:",
                "if claim.id.int in self._held:",
            ),
        ),
    ),
    "first page": Mutation(
        rule="the indexer looks at the first page of every lane",
        edits=(_worker("duties/indexer", "cost += self._index_pages(snapshot)", "cost += 0.0"),),
    ),
    "orphans": Mutation(
        rule="an owner without a row is one that does not move",
        edits=(Edit(path="djtasks/store/workers.py", old="dict.fromkeys(distinct)", new="{}"),),
    ),
    "compare-and-delete": Mutation(
        rule="the reaper deletes a worker's row only while its counter stands",
        edits=(
            Edit(
                path="djtasks/store/workers.py",
                old="filter(pk=worker, heartbeat=counter)",
                new="filter(pk=worker)",
            ),
        ),
    ),
    "restarted counts": Mutation(
        rule="a look that fails starts every count anew",
        edits=(
            _worker(
                "duties/reaper",
                "        except BaseException:\n            self.restart()\n",
                "        except BaseException:\n",
            ),
        ),
    ),
    "looks that write": Mutation(
        rule="a look proves first that the database takes writes",
        edits=(_worker("duties/reaper", "if not self._write():", "if False:"),),
    ),
    "target row, PostgreSQL": Mutation(
        rule="the claim tests the state on the row it writes",
        edits=(
            _sql(
                "t.id = ANY(%(ids)b) AND {_STILL_READY} AND t.backend",
                "t.id IN (SELECT r.id FROM {_TABLE} AS r WHERE r.id = ANY(%(ids)s) "
                "AND r.state + 0 = 0) AND t.backend",
            ),
        ),
    ),
    "state in the claim, elsewhere": Mutation(
        rule="the claim tests the state of the row it has locked",
        edits=(_portable("filter(state=State.READY, backend=self.backend, run", "filter(run"),),
    ),
    "cancel on give-back, PostgreSQL": Mutation(
        rule="what is given back is CANCELLED if somebody asked for it",
        edits=(
            _sql(
                "state = CASE WHEN t.cancel_requested THEN {_CANCELLED} ELSE {_READY} END",
                "state = {_READY}",
            ),
        ),
    ),
    "cancel on give-back, elsewhere": Mutation(
        rule="what is given back is CANCELLED if somebody asked for it",
        edits=(_portable("When(cancelled, then=Value(int(State.CANCELLED))),", ""),),
    ),
    "cancel of what is reaped": Mutation(
        rule="what a dead worker leaves is CANCELLED if somebody asked for it",
        edits=(
            Edit(
                path="djtasks/protocol/recovery.py",
                old="    if cancel_requested:\n",
                new="    if cancel_requested is None:\n",
            ),
        ),
    ),
    "state in the prune": Mutation(
        rule="a page of the pruner deletes by id and final state, and locks what it deletes",
        edits=(
            Edit(
                path="djtasks/operations/pruning.py",
                old="oldest.select_for_update(skip_locked=True)[:page]",
                new="oldest[:page]",
            ),
            Edit(
                path="djtasks/operations/pruning.py",
                old="old.filter(pk__in=ids)",
                new="records(engine).filter(pk__in=ids)",
            ),
        ),
    ),
}


def _copy(folder: Path) -> None:
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)


def apply(mutation: Mutation, folder: Path) -> None:
    """Take the rule out of the copy; raises when the source no longer reads like that."""
    for edit in mutation.edits:
        path = folder / edit.path
        text = path.read_text()
        if edit.old not in text:
            raise LookupError(f"{edit.path} no longer has {edit.old!r}: bring this up to date.")
        path.write_text(text.replace(edit.old, edit.new))


def missed_by(mutation: Mutation) -> set[str]:
    """Return the names of the tests that turn red without the rule.

    Raises when most of them do: then the copy is broken, and nothing is shown.
    """
    with tempfile.TemporaryDirectory(prefix="djt-mutation-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        _copy(folder)
        apply(mutation, folder)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-rfE", "--tb=no", "-p", "no:cacheprovider"]
            + ["-p", "no:randomly", "-k", mutation.databases, TESTS],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )
    passed = re.search(r"(\d+) passed", done.stdout)
    red = re.findall(r"^(?:FAILED|ERROR) \S+::(\w+)", done.stdout, re.MULTILINE)
    if passed is None or int(passed[1]) < len(red):
        raise RuntimeError(f"The mutated copy does not work:\n{done.stdout[-3000:]}")
    return set(red)


def main() -> int:
    """Try the rules that are named, or all; return how many of them nobody misses."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.mutations", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="; ".join(MUTATIONS))
    unmissed = 0
    for name in parser.parse_args().names or MUTATIONS:
        red = missed_by(MUTATIONS[name])
        unmissed += not red
        print(f"{'red  ' if red else 'GREEN'}  {name}: {MUTATIONS[name].rule}", flush=True)
        for test in sorted(red):
            print(f"           {test}", flush=True)
    return unmissed


if __name__ == "__main__":
    sys.exit(main())
