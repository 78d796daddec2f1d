"""The settings: their fields, what each may be, and what they may not be together."""

from __future__ import annotations

from keyledger.settings.chosen import chosen_folder, folder_of
from keyledger.settings.errors import SettingsError
from keyledger.settings.names import PREFIX
from keyledger.settings.settings import Settings

__all__ = ["PREFIX", "Settings", "SettingsError", "chosen_folder", "folder_of"]
