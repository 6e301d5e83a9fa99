# expect: score=2/12 halfway=2/2
# twin: test_the_page_s_policy_alone_would_do
# honest: halfway
# I13: HTML and scripts in prose, outputs, names, exceptions and documentation.

# %% [markdown]
# # Hello <script>document.documentElement.id='ran'</script>
# <img src=x onerror=document.documentElement.id='ran'> [click](javascript:alert(2)) <iframe src="javascript:alert(3)"></iframe>
# $\text{<script>alert(4)</script>}$ ![x](javascript:alert(5)) <svg onload=alert(6)>

# %%
from IPython.display import HTML, Javascript, Markdown, SVG, display

S = "<script>document.documentElement.id='ran'</script><img src=x onerror=document.documentElement.id='ran'>"
display(HTML(S), Markdown("[x](javascript:alert(8))" + S), {"text/html": S, "application/javascript": "alert(9)"}, raw=False)
display({"text/html": S, "text/plain": S, "application/javascript": "alert(9)"}, raw=True)
print(S)
get_ipython().displayhook.screen = None

class Shown:
    _repr_html_ = _repr_svg_ = _repr_javascript_ = _repr_latex_ = __repr__ = lambda self: S

Shown()

# %%
raise type(S, (Exception,), {"__doc__": S})(S)

# %%
def sqdist(x, z):
    raise type(S, (Exception,), {"__module__": S})(S + "</pre></div>" + S)

sqdist.__doc__ = sqdist.__name__ = sqdist.__qualname__ = S

def table(f, A, B):
    return type(S, (), {})()

def nearest(A, B):
    return S
