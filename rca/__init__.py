"""Root cause analysis for ML and LLM services."""
