"""The tests of Django that look at the inside of its own backends, each with its reason.

By mode: `rows` is DjtasksBackend on SQLite, `testing` the backends of djtasks.testing.
"""

_DUMMY = "test_dummy_backend.DummyBackendTestCase."
_IMMEDIATE = "test_immediate_backend.ImmediateBackendTestCase."
_TASKS = "test_tasks.TaskTestCase."

_OTHER_WORDS = "It compares words. Ours is a TypeError too, and names the place of the value."
_CAN_DEFER = "It asserts that Django's ImmediateBackend cannot defer. Ours can."
_CAN_BE_ASKED = "It asserts that Django's ImmediateBackend keeps no results. Ours does."
_OTHER_CLASS = "It wants exactly TypeError. Ours is UnstorableResult, which says what to do."
_IN_COROUTINE = "It calls the database in a coroutine, which Django forbids."
_WRITES_INTO_LIST = "It writes into the list of Django's DummyBackend. Ours reads rows."

_BOTH = {
    _IMMEDIATE + "test_cannot_get_result": _CAN_BE_ASKED,
    _IMMEDIATE + "test_cannot_refresh_result": _CAN_BE_ASKED,
    _IMMEDIATE + "test_cannot_pass_run_after": _CAN_DEFER,
    _IMMEDIATE + "test_complex_return_value": _OTHER_CLASS,
    _TASKS + "test_enqueue_with_invalid_argument": _OTHER_WORDS,
    _TASKS + "test_aenqueue_with_invalid_argument": _OTHER_WORDS,
}
DIFFERENCES: dict[str, dict[str, str]] = {
    "rows": _BOTH
    | {
        _DUMMY + "test_enqueue_task_async": _IN_COROUTINE,
        _DUMMY + "test_refresh_result": _WRITES_INTO_LIST,
        _DUMMY + "test_refresh_result_async": _WRITES_INTO_LIST,
        _TASKS + "test_enqueue_task_async": _IN_COROUTINE,
        _TASKS + "test_refresh_result": _IN_COROUTINE,
    },
    "testing": _BOTH
    | {
        _TASKS + "test_invalid_priority": _OTHER_WORDS,
    },
}
