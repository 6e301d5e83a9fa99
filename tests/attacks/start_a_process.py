# expect: blocked
# without layers: succeeds
# I14: start a program that outlives the grading.

# %%
import subprocess, sys

def attack(facts):
    return subprocess.run([sys.executable, "-I", "-S", "-c", "print('alive')"], capture_output=True, text=True).stdout
