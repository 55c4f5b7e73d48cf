"""What is told of runs once MLflow holds them: comparisons, leaderboards, reports."""
