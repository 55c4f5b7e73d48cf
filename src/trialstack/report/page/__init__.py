"""The report: one HTML file that holds all it shows, made of what MLflow holds."""
