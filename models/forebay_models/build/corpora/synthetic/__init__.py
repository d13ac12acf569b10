"""Sentences made by grammar, in our own words: what public sets lack. Same seed, same sentences."""
