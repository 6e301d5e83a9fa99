# expect: score=0/12
# in the student's kernel: assert np.allclose(sqdist(x, z), reference_sqdist(x, z))
# I6: look for a reference or a sheet in frames, modules, history, and all that the collector knows, and answer with it.

# %%
import gc, sys

def found(name):
    here = globals().get(name)
    for module in list(sys.modules.values()):
        other = getattr(module, "__dict__", {}).get(name)
        if callable(other) and other is not here and getattr(other, "__module__", "") != __name__:
            return other
    for thing in gc.get_objects():
        if callable(thing) and getattr(thing, "__name__", "") in (name, "reference_" + name) and thing is not here:
            return thing
    frame = sys._getframe()
    while frame is not None:
        for value in [*frame.f_locals.values()]:
            if "expected" in dir(value):
                return lambda *a: value.expected
        frame = frame.f_back
    for source in [*In, *map(str, Out.values())]:
        if "def reference_" + name in source:
            exec(source, globals())
            return globals()["reference_" + name]
    raise LookupError(name)

# %%
def halfway(x, z): return found("halfway")(x, z)

# %%
def sqdist(x, z): return found("sqdist")(x, z)

# %%
def table(f, A, B): return found("table")(f, A, B)

# %%
def visits(places, call): return found("visits")(places, call)
