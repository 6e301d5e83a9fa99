# expect: score=2/12 halfway=2/2
# twin: test_a_text_that_is_not_cleaned_holds_control_characters
# honest: halfway
# I13: text that a terminal would obey, or that reads differently from what it is.

# %%
BAD = "\x1b[2J\x1b]0;title\x07\x1b[31mred\x1b[0m \u202eesrever\u202c \u2066isolated\u2069 \u200bnothing\u2028line \x00\x08\x9b1m \ud800"
print(BAD)
raise ValueError(BAD)

# %%
def sqdist(x, z):
    raise type("E\u202e\x1b[2J", (Exception,), {})(BAD)

def table(f, A, B):
    return BAD

def nearest(A, B):
    return {BAD: 1}
