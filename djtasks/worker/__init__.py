"""The processes that run tasks: fetch -> claim -> execute -> judge -> settle.

Start reading at `attempts/pipeline.py`. `child/child.py` assembles a process that runs tasks,
`supervisor/supervisor.py` watches it.
"""
