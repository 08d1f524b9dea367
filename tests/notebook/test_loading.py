"""Loading, loading again, reloading and unloading: one of everything, then none."""

from __future__ import annotations

import pytest

NAMES = ("overfit_batch", "subject", "explain", "dldebug")


def state(shell):
    completer = shell.Completer
    hooks = shell.strdispatchers["complete_command"]
    return {
        "magics": {kind: set(table) for kind, table in shell.magics_manager.magics.items()},
        "registry": set(shell.magics_manager.registry),
        "configurables": [type(one).__name__ for one in shell.configurables],
        "matchers": list(completer.custom_matchers),
        "hooks": (set(hooks.strs), set(hooks.regexs)),
        "printers": set(shell.display_formatter.ipython_display_formatter.type_printers),
        "deferred": set(shell.display_formatter.ipython_display_formatter.deferred_printers),
        "events": {name: list(callbacks) for name, callbacks in shell.events.callbacks.items()},
    }


def test_unloading_leaves_the_shell_as_it_was(shell, capsys):
    shell.run_cell("%load_ext autoreload\n%unload_ext autoreload")
    before = state(shell)
    shell.run_cell("%load_ext dldebug")
    loaded = state(shell)
    assert loaded != before and set(NAMES) <= loaded["magics"]["line"]
    shell.run_cell("%load_ext dldebug_magics\n%reload_ext dldebug\n%reload_ext dldebug\nimport torch\nnet = torch.nn.Linear(1, 1)")
    again = state(shell)
    for changing in ("matchers", "hooks"):
        assert len(again.pop(changing)) == len(loaded.pop(changing))
    assert again == loaded
    shell.run_cell("%subject net --quiet")
    shell.run_cell("%subject net;")
    shell.run_cell("%unload_ext dldebug")
    assert state(shell) == before
    shell.run_cell("%unload_ext dldebug_magics")
    assert state(shell) == before


def test_loading_prints_nothing(shell, capsys):
    shell.run_cell("%load_ext dldebug")
    printed = capsys.readouterr()
    assert printed.out + printed.err == ""


def test_a_magic_of_the_users_own_is_not_taken_away(shell):
    shell.run_cell("%load_ext dldebug")
    shell.register_magic_function(lambda line: 7, "line", "subject")
    shell.run_cell("%unload_ext dldebug")
    assert shell.run_line_magic("subject", "") == 7


@pytest.mark.parametrize("magic", NAMES)
def test_each_magic_can_be_asked_for_help(shell, capsys, magic):
    shell.run_cell("%load_ext dldebug")
    shell.run_cell(f"%{magic}?")
    assert f"%{magic}" in capsys.readouterr().out
    shell.run_cell("%lsmagic")
    assert f"%{magic}" in capsys.readouterr().out
