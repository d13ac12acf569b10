"""What an API server does with an object before it stores it, for directories: defaults, fields, lists, CEL rules.

It reads the same Shapes as the generated CRDs, so that a manifest that one refuses the other refuses too.
"""
