"""What operators look at: Prometheus rules, alerts and Grafana dashboards, generated from the metrics in the code."""
