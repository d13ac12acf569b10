"""`classifier`: what a trained model says of the latest human turn, as scores by label.

| model | says |
|---|---|
| `domain` | one of 14 fields, or `chat`; trained, calibrated |
| `injection` | `injection` or `benign`: prompt injection and jailbreaks; trained, calibrated |
| `difficulty` | `low`, `medium`, `high`: whether a small model fails where a large one does not; trained, calibrated, weak |
| `task`, `risk`, `uncertainty`, `factuality`, `needsRetrieval`, `needsTools`, `reasoning` | trained on labels derived by rule, since no public set labels them; scores, not calibrated |

* `label` is the likeliest, `scores` holds all, `labels` those at or above the threshold. `score` is of the likeliest; of a
  model with two labels, of the one that it looks for.
* Matches when one of the policy's `labels` reaches its threshold; without them, when `score` does. A text that is about
  none of the labels of a model of your own, as far as that can be told, does not match.
* `artifact` names a model of your own by file or ConfigMap, and by digest; `forebay train` makes one. See docs/models.md.
* Of the last seven, `tooling`, `risk`, `needsTools` and `uncertainty` also see the tools offered, earlier turns and images;
  docs/models.md says how. The label of `risk` is its middle level.
* `injection` reads through base64, hexadecimal, leetspeak, look-alike, invisible and spelled-out letters, ROT13 and words
  written backwards; a text that hides behind one costs a second pass.
* Models share the encoder's pass with one another and with `similarity`. Of more than 256 tokens the first and last half
  are read. `scope: ToolResults` reads what tools gave back window by window, as far as the decision's time reaches; `result`
  (0 is the newest), `start` and `end` (letters) say where the highest score is. `injection` has a threshold of its own there:
  pages hold more that looks like an order.
* Unknown: a text without words or in a script the model was not trained on; no time left for the encoder; with
  `ToolResults`, no results, or more than could be read where nothing was found in the rest.
"""

from forebay_decision.signals.classifier.fitting import Heads, ModelError, build_classifier, carrying

__all__ = ["Heads", "ModelError", "build_classifier", "carrying"]
