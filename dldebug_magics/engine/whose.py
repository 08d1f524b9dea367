"""Whose a class or a function is: the user's, a library's, or one that stands for the process (files, locks, loggers, the notebook)."""

from __future__ import annotations

import os
import sys
import sysconfig
import types
from typing import Any

import torch

_SCREENS = set("IPython ipykernel ipywidgets traitlets zmq tornado matplotlib".split())
CONNECTIONS = set("wandb tensorboard tensorboardX mlflow comet_ml neptune clearml".split())
_PROCESS = sys.stdlib_module_names | _SCREENS | CONNECTIONS | {"pandas"}
_PROCESS -= {"collections", "argparse", "functools", "__main__"}  # these hold state of whoever uses them
_FOLDERS = [
    *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
    os.path.dirname(os.path.dirname(torch.__file__)),
]
_LIBRARIES = (*(folder + os.sep for folder in _FOLDERS), "<frozen")
_ELSEWHERE = tuple(f"{os.sep}{name}{os.sep}" for name in ("site-packages", "dist-packages"))  # in whichever environment
_OURS = os.path.dirname(os.path.dirname(__file__)) + os.sep


def is_installed(file: str) -> bool:
    """Whether a file came with Python or was installed, in whichever place: an environment often stands on another.

    >>> is_installed(os.__file__), is_installed(torch.__file__), is_installed("/home/me/train.py")
    (True, True, False)
    >>> is_installed("/home/me/.local/lib/python3.11/site-packages/lightning/trainer.py".replace("/", os.sep))
    True
    """
    return file.startswith(_LIBRARIES) or any(folder in file for folder in _ELSEWHERE)


def _is_librarys(file: str) -> bool:
    return file.startswith(_OURS) or is_installed(file)


def is_of_process(kind: type) -> bool:
    """Whether things of this type belong to the process: a step uses them, but does not keep its state in them.

    >>> import logging, collections
    >>> is_of_process(logging.Logger), is_of_process(collections.deque), is_of_process(torch.nn.Linear)
    (True, False, False)
    """
    return str(kind.__module__).partition(".")[0] in _PROCESS


def is_library(thing: Any) -> bool:
    """Whether a class or function comes from an installed package, from Python or from this package, not from the user.

    >>> is_library(torch.nn.Linear), is_library(lambda x: x), is_library(is_library)
    (True, False, True)
    """
    if isinstance(thing, types.FunctionType):
        return _is_librarys(thing.__code__.co_filename)
    if not isinstance(thing, type):
        return False
    file = getattr(sys.modules.get(thing.__module__), "__file__", None)
    return is_of_process(thing) if file is None else _is_librarys(file)


def is_users_module(thing: Any) -> bool:
    """Whether a thing is a module with code of the user's.

    >>> is_users_module(torch), is_users_module(sys), is_users_module(types.ModuleType("mine"))
    (False, False, False)
    """
    file = getattr(thing, "__file__", None) if isinstance(thing, types.ModuleType) else None
    return file is not None and not _is_librarys(file)


def is_live(thing: Any) -> bool:
    """Whether a thing is a screen's, or tells a service elsewhere what it is told: neither can be had twice.

    >>> is_live(torch), is_live(types.ModuleType("wandb"))
    (False, True)
    """
    if isinstance(thing, types.ModuleType):
        return thing.__name__.partition(".")[0] in CONNECTIONS
    return not callable(thing) and type(thing).__module__.partition(".")[0] in _SCREENS | CONNECTIONS
