"""The call behind what a widget shows, as code to copy into a cell."""

from __future__ import annotations

import traitlets as t

from rca.widgets.live import Live, module


class ToolbarCall(Live):
    """Shows code and copies it to the clipboard."""

    _esm = module("callbar.js")
    code = t.Unicode("").tag(sync=True)
