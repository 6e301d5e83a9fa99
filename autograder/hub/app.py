"""JupyterHub itself, which does not end because a service is slow: `python -m autograder.hub.app`.

JupyterHub waits for one managed service after another, ten seconds each in version 5, and ends if one does not answer.
A formgrader takes longer on a busy machine. Here services start side by side, and `autograder hub` waits for them.
"""

from __future__ import annotations

from typing import Any

from jupyterhub.app import JupyterHub


class CourseHub(JupyterHub):
    """Configured as JupyterHub is, by `c.JupyterHub`."""

    async def start_service(self, service_name: str, service: Any, ssl_context: Any = None) -> bool:
        """Starts a managed service, and does not wait for it."""
        if not service.managed:
            return bool(await super().start_service(service_name, service, ssl_context))
        self.log.info("Starting %s", service_name)
        await service.start()
        return True


if __name__ == "__main__":
    CourseHub.launch_instance()
