from djtasks.store.statements.parts import in_parts


def test_few_short_rows_are_one_part() -> None:
    assert list(in_parts(["a", "b"], len)) == [["a", "b"]]


def test_nothing_is_no_part() -> None:
    assert list(in_parts([], len)) == []


def test_a_part_has_at_most_so_many_rows() -> None:
    assert list(in_parts("abcde", len, most=2)) == [["a", "b"], ["c", "d"], ["e"]]


def test_a_part_has_at_most_a_million_characters() -> None:
    long, longer = "x" * 400_000, "x" * 2_000_000

    parts = [len(part) for part in in_parts([long, long, long, longer, long], len)]

    assert parts == [2, 1, 1, 1]
