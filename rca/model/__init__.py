"""The nouns: frozen dataclasses that everything else speaks of."""
