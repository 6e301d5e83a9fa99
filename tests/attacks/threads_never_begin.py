# expect: lost exit
# in the grader's process: no verdict
# V1: let every thread that XLA begins from now on begin at an address where there is nothing.

# %%
import ctypes
import jax
from jax._src.lib import xla_client
from autograder.sandbox import deferred

def attack(facts):
    jax.devices()
    base, path = deferred._loaded()
    for offset in deferred._slots(path):
        deferred._write(base + offset, 8)
    xla_client.make_cpu_client()
    return 1.0
