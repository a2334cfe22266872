"""``python -m hygiesync.devices.window.probe``: open a window that is not seen, and print what it was opened on."""

from __future__ import annotations

import json
import sys

from hygiesync.devices.window.sdl import start_pygame
from hygiesync.errors import MissingDependencyError


def main() -> int:
    """Print a line of JSON; without a window say why, and give the exit code 4."""
    try:
        pygame = start_pygame()
    except MissingDependencyError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    window = pygame.Window("hygiesync", (320, 240), hidden=True)
    window.get_surface().fill((0, 0, 0))
    window.flip()
    width, height = pygame.display.get_desktop_sizes()[0]
    found = {"pygame": pygame.version.ver, "driver": pygame.display.get_driver(), "width": width, "height": height}
    window.destroy()
    pygame.display.quit()
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
