# expect: score=12/12
# twin: os_exit
# honest: halfway sqdist table nearest Line visits
# V1, V2: cells that end the process, or do not end. They are skipped and the rest counts.

# %%
import os

os._exit(1)

# %%
while True:
    pass

# %%
raise SystemExit
