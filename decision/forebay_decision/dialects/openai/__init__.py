"""OpenAI's wire format: chat completions, completions, responses, embeddings and the model list.

`paths` says what a request is for, `view` reads its body, `edits` writes a decision into it, `answers` speaks for us
where no model does.
"""
