"""Figures of speed, each printed with the machine, the date and the load.

``python -m benchmarks.ledger`` measures one thing; ``python -m benchmarks`` measures all,
``python -m benchmarks SECTION...`` some, and writes them into ``docs/performance.md``.
"""
