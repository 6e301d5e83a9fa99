"""Grades sent to an LMS by LTI 1.3: Assignment and Grade Services, and Names and Roles for who is who.

Authlib signs the assertion by which a tool gets its token (RFC 7523): it is maintained and needs no web framework.
PyLTI1p3 has clients for these services, but its last release is of 2022. The rest is a few requests, with `requests`.
"""
