"""The processes that run tasks: fetch -> claim -> execute -> judge -> settle.

Start reading at `pipeline.py`; `child.py` puts a process together, `supervisor.py` watches it.
"""
