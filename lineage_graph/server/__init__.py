"""One process that serves the graph: GraphQL, SPARQL, OpenLineage and pages."""
