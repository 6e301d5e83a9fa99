# expect: raised SystemExit
# in the grader's process: no verdict
# V1: an answer whose class ends the program when it is asked for its name.

# %%
class Meta(type):
    def __getattribute__(cls, name):
        if name in ("__module__", "__qualname__"):
            raise SystemExit(0)
        return super().__getattribute__(name)

class Answer(metaclass=Meta):
    pass

def attack(facts):
    return Answer()
