"""The recipe of every artefact: source weights in, encoders, manifest and cards out.

Nothing at run time imports this package; it needs the `train` extra. `python -m forebay_models.build` runs it all.
"""
