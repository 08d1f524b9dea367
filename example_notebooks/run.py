"""Run notebooks from top to bottom: each verdict in the terminal, each page under build/. This is what `make demo` does.

    python example_notebooks/run.py quickstart [--save]

A notebook runs in the python that runs this script, whatever kernels the machine knows. The saved notebook is left alone unless `--save`
is given. The exit status is 1 when a cell failed.
"""

import argparse
import html
import re
import sys
import textwrap
from pathlib import Path

import nbformat
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter

HERE = Path(__file__).resolve().parent


class ThisPython(AsyncKernelManager):
    """A kernel in the python that runs this script."""

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--log-level=ERROR"])


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("notebooks", nargs="+", type=found, help="names in example_notebooks/, or paths")
    asked.add_argument("--save", action="store_true", help="write the outputs into the notebook")
    options = asked.parse_args()
    failures = [path.name for path in options.notebooks if not run(path, options.save)]
    print(f"a cell failed in {', '.join(failures)}" if failures else "every cell ran")
    return 1 if failures else 0


def found(name: str) -> Path:
    """The notebook of that name: a path, or a file of this folder, with or without its ending."""
    for path in (Path(name), HERE / name, HERE / f"{name}.ipynb"):
        if path.is_file():
            return path.resolve()
    raise argparse.ArgumentTypeError(f"there is no notebook {name}")


def run(path: Path, save: bool) -> bool:
    """Run one notebook, print what it found, leave its page; False when a cell failed."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=900, record_timing=False, kernel_manager_class=ThisPython, on_cell_executed=tell)
    client.resources = {"metadata": {"path": str(path.parent)}}
    print(f"{path.name}: running {len(notebook.cells)} cells", flush=True)
    failed = ""
    try:
        client.execute()
    except CellExecutionError as error:
        failed = f"{error}\n"
    page = HERE.parent / "build" / f"{path.stem}.html"
    page.parent.mkdir(exist_ok=True)
    page.write_text(HTMLExporter().from_notebook_node(notebook)[0], encoding="utf-8")
    if save:  # tracebacks name files of this machine, which is nobody else's
        path.write_text(nbformat.writes(notebook).replace(f"{HERE.parent}/", "") + "\n", encoding="utf-8")
    print(f"\n{failed}the whole page: {page}")
    return not failed


def tell(cell: nbformat.NotebookNode, **_: object) -> None:
    """Print what stands in bold in every report that the cell has shown: its verdict."""
    for page in (output.get("data", {}).get("text/html", "") for output in cell.get("outputs", [])):
        for verdict in re.findall("<p><strong>(.*?)</strong></p>", page if 'class="dldebug"' in page else "", re.DOTALL):
            print("\n" + textwrap.fill(html.unescape(verdict.replace("<br>", " ")), 110), flush=True)


if __name__ == "__main__":
    sys.exit(main())
