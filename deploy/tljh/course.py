"""The course on The Littlest JupyterHub: login from the learning platform, and a formgrader for who teaches.

TLJH gives every student a Unix user of their own (`jupyter-<name>`), so that nbgrader's shared exchange protects one
from another. The grader is the Unix user `grader-dmol`, made by hand; its home holds the course, and is closed to all.
"""

COURSE, GRADER, PORT = "dmol", "grader-dmol", 9999
ENVIRONMENT = "/opt/tljh/user/bin"

c = get_config()  # type: ignore[name-defined]  # noqa: F821

c.JupyterHub.authenticator_class = "autograder.hub.lti.CourseLogin"
# What the learning platform gives when the tool is registered there.
c.CourseLogin.issuer = "https://lms.example.edu"
c.CourseLogin.authorize_url = "https://lms.example.edu/mod/lti/auth.php"
c.CourseLogin.jwks_endpoint = "https://lms.example.edu/mod/lti/certs.php"
c.CourseLogin.client_id = {"replace-this"}
c.CourseLogin.courses = {"42": COURSE}  # Moodle's number of the course
c.CourseLogin.uri_scheme = "https"

c.JupyterHub.services = [
    {
        "name": COURSE,
        "url": f"http://127.0.0.1:{PORT}",
        "command": [f"{ENVIRONMENT}/jupyterhub-singleuser", "--ServerApp.root_dir", f"/home/{GRADER}/{COURSE}"],
        "user": GRADER,
        "cwd": f"/home/{GRADER}/{COURSE}",
        "oauth_no_confirm": True,
        "environment": {"PATH": f"{ENVIRONMENT}:/usr/bin:/bin"},
    }
]
c.JupyterHub.load_roles = [
    {"name": "server", "scopes": ["inherit"]},
    {
        "name": f"formgrade-{COURSE}",
        "groups": [f"formgrade-{COURSE}"],
        "scopes": [
            f"access:services!service={COURSE}",
            f"list:services!service={COURSE}",
            f"read:services!service={COURSE}",
        ],
    },
    {
        "name": f"grader-{COURSE}",
        "services": [COURSE],
        "scopes": ["list:users", "read:users", "groups", "list:groups", "users:activity", "list:services"],
    },
]
