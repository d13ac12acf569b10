"""YAML text -> JSON values that know their lines; strict, bounded, and read as YAML 1.2 means it."""
