"""cicd-traffic: what a load balancer's host runs, so that HAProxy sends each canary its share of requests."""
