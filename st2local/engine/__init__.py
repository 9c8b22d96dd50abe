"""What happens when something is asked for: triggers, rules, executions, workflows, policies."""
