"""Which canonical kind an event is, from the word or the sentence its export uses."""

from __future__ import annotations

import re

from rca.model.event import EVENT_KINDS

#: Words of exports and of people, most specific first: the first that occurs decides.
_WORDS: tuple[tuple[str, str], ...] = (
    ("rollback|rolled back|roll back|revert|reverted", "rollback"),
    ("schema|ddl|migration|alter table", "schema_change"),
    ("data quality|data check|data test|expectation|freshness|anomaly", "data_quality"),
    ("feature flag|flag|toggle|experiment|launchdarkly", "flag"),
    ("prompt|system message", "prompt"),
    ("model version|model rollout|model update|model|checkpoint|registry", "model_version"),
    ("price|pricing|tariff", "price"),
    ("deploy|deployment|deployed", "deploy"),
    ("backfill|pipeline|dag|etl|elt|ingest|data run|data load|job|batch", "pipeline"),
    ("provider|upstream|vendor|third party|dependency", "upstream"),
    ("incident|alert|outage", "incident"),
    ("rollout|rolled out|ship|shipped|canary", "deploy"),
    ("release|released|tag", "release"),
    ("config|configuration|setting|settings|parameter|threshold", "config"),
    ("infra|infrastructure|node|scale|scaling|autoscale|restart|pod|cluster|network", "infra"),
    ("annotation|note|comment|marker", "annotation"),
)
_PATTERNS = tuple((re.compile(rf"\b({words})s?\b"), kind) for words, kind in _WORDS)


def kind_of(word: str) -> str | None:
    """Return the canonical kind a word or sentence speaks of, or None.

    >>> kind_of("Deployment"), kind_of("feature_flag"), kind_of("haircut")
    ('deploy', 'flag', None)
    """
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+", " ", word).strip().lower()
    if plain.replace(" ", "_") in EVENT_KINDS:
        return plain.replace(" ", "_")
    return next((kind for pattern, kind in _PATTERNS if pattern.search(plain)), None)
