"""Requests to an assistant by what they ask for, made by grammar: what public sets of intents and questions lack.

Each family names its marks; a mark that is not named does not hold. Marks: the tasks `chat`, `code`, `summarize`, `search`,
`tooling`, `gibberish`; `ambiguous`, `checkable`, `retrieve`, `tools`, `think`; and the fields of risk `money`, `health`,
`law`, `minors`, `danger` (life or limb at stake), `irreversible` (asks for an act that cannot be taken back).
"""
