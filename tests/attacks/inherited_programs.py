# expect: blocked
# in the grader's process: succeeds
# S1, I7: look through the programs and arrays that XLA's client holds, for arrays, for programs of somebody's own, and for folders.

# %%
import sys
import jax

def attack(facts):
    client, found = jax.devices()[0].client, []
    for program in client.live_executables():
        for module in program.hlo_modules():
            text = module.to_string()
            found += [line for line in text.splitlines() if ".py" in line or "FileNames" in line or "op_name=\"jit(reference)" in line]
    found += [str(array) for array in client.live_arrays()]
    frame = sys._getframe()
    while frame is not None:
        config = frame.f_locals.get("config")
        folder = config.get("warm") if isinstance(config, dict) else None
        for path in filter(None, (folder, "/programs")):
            try:
                found.append(open(f"{path}/programs.json").read())
            except OSError:
                pass
        frame = frame.f_back
    return found
