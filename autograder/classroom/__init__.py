"""The class report: what the kept JSON of grading says about a whole class, for those who teach it.

reading   report files -> the latest entry of every student
summary   entries -> figures of the class; names only where they are asked for
example   cells of those who made a mistake -> code that shows it, and not who wrote it
facts     figures -> the sentences worth acting on
page      figures -> one HTML page without script, `picture` its histogram, `terminal` the short view
"""
