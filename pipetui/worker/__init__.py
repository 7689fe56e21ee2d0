"""The process that runs jobs. main.py is the worker; child.py is the process of one job; in_app.py does without.

supervisor.py  claims jobs and writes how they go and end       lock.py       one worker a database
processes.py   the children, seen from the worker               group.py      processes and their groups
line.py        the worker, seen from a child                    work.py       one job from its row to its end
ledger.py      what a job did, on disk; its artifacts
"""
