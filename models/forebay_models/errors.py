"""What can go wrong before an encoder exists; an encoder that has loaded raises only ValueError for its arguments.

EncoderError
├── ArtefactError       a shipped file is missing, unreadable or not the file the manifest names
└── MissingExtraError   the libraries an encoder runs on are not installed
"""


class EncoderError(Exception):
    """An encoder cannot be had. The message names the file or package and the fix."""


class ArtefactError(EncoderError):
    """The artefact on disk is not the one this version of Forebay was released with."""


class MissingExtraError(EncoderError):
    """The `encoders` extra is not installed."""
