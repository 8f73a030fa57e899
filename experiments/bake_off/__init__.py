"""Our learner beside others on simulated practices, where the truth is known.

One command reruns every comparison and rewrites its tables and plots. Imports `recommender` and
`experiments.simulated_practice`; nothing imports it.
"""
