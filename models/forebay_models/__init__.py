"""The encoders that ship with Forebay, and the recipe that made them.

A `similarity` signal turns the latest human turn into a vector and compares it with labelled examples. This package owns
that step and nothing around it: `load_encoder` checks an artefact's digest and returns an `Encoder`. Importing the package
loads no model and no third-party library, so `forebay validate` runs without the `encoders` extra.
"""

from forebay_models.encoder import Encoder, EncoderKind
from forebay_models.errors import ArtefactError, EncoderError, MissingExtraError
from forebay_models.load import load_encoder

__all__ = ["ArtefactError", "Encoder", "EncoderError", "EncoderKind", "MissingExtraError", "load_encoder"]
