"""A static picture of a plotly figure, drawn without a browser."""
