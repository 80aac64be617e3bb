"""GraphQL: the questions and decisions of a page, over one graph for each request.

To follow *a question*: ``http.py`` reads the request and writes the answer, ``operations.py``
checks and executes it in one thread with one graph, ``limits.py`` refuses what would cost too
much before it begins, ``permissions.py`` asks whether one may. Fields are methods of the types
in the other modules; what they need of many things they ask through ``asking.py`` at once.
"""
