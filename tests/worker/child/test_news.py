"""The queue between those who have news and the one who tells."""

import threading

from djtasks.worker.child.news import News


def test_what_is_taken_counts_until_it_is_done() -> None:
    news: News[int] = News()
    news.put(range(5))

    assert news.take(3, seconds=0.0) == [0, 1, 2]
    assert len(news) == 5
    news.done()
    assert len(news) == 2
    assert news.take(3, seconds=0.0) == [3, 4]
    news.done()
    assert news.take(3, seconds=0.0) == []
    assert len(news) == 0


def test_none_of_many_threads_leaves_the_one_that_takes_asleep() -> None:
    news: News[int] = News()
    taken: list[int] = []

    def take() -> None:
        while len(taken) < 4_000:
            some = news.take(100, seconds=30.0)
            taken.extend(some)
            news.done()

    def put(first: int) -> None:
        for number in range(first, first + 1_000):
            news.put((number,))

    threads = [threading.Thread(target=put, args=(n * 1_000,)) for n in range(4)]
    taking = threading.Thread(target=take, daemon=True)
    for thread in (taking, *threads):
        thread.start()
    taking.join(25)

    assert not taking.is_alive()
    assert sorted(taken) == list(range(4_000))
