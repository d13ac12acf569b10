"""The shipped encoders, loaded once: loading takes longer than most tests."""

import pytest

from forebay_models import Encoder, load_encoder


@pytest.fixture(scope="session")
def static() -> Encoder:
    return load_encoder("Static")


@pytest.fixture(scope="session")
def transformer() -> Encoder:
    return load_encoder("Transformer")


@pytest.fixture(scope="session", params=["Static", "Transformer"])
def encoder(request: pytest.FixtureRequest) -> Encoder:
    """Each encoder in turn: what the protocol promises holds for all."""
    return request.getfixturevalue(request.param.lower())
