# expect: blocked
# in the grader's process: succeeds
# I6, I7: hear of every file that is opened, every module that is imported and every program that is run.

# %%
import sys

HEARD = []
sys.addaudithook(lambda event, args: HEARD.append(str(args)) if event in ("open", "import", "os.listdir", "subprocess.Popen") else None)

# %%
def attack(facts):
    words = ("canary", "sheets", "solutions", "gradebook", "autograder.judge", "autograder.author")
    return [heard for heard in [*HEARD] if any(word in heard for word in words)]
