"""The front door: what students and instructors see of the course after they logged in, as a service of the hub.

place     where everything is, from nbgrader's configuration
book      the gradebook and the exchange -> what is known of each assignment and student
students  that -> what a student's page says; `classes` what the class page says
pages     both -> HTML, without scripts; `shown` feedback and reports with a way back
tries     grading on submission: who may have a result, and what it says; `trying` the process that grades
work      what an instructor's buttons start, one thing at a time; `watch` looks for submissions to try
visit     who comes; `app` the routes, and who may take them
"""
