"""The name that notebooks load and import; everything lives in `dldebug_magics`.

Names are handed on when they are used, so that `import dldebug` and `%load_ext dldebug` import neither torch nor IPython.
"""

from __future__ import annotations

from typing import Any

import dldebug_magics


def __getattr__(name: str) -> Any:
    return getattr(dldebug_magics, name)


def __dir__() -> list[str]:
    return dir(dldebug_magics)
