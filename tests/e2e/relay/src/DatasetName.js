// One thing that is asked for again by its id.
import { graphql } from "react-relay";

export const name = graphql`
  fragment DatasetName_dataset on Dataset @refetchable(queryName: "DatasetNameRefetchQuery") {
    id
    iri
    name
    license
    description
  }
`;

export const byId = graphql`
  query DatasetNameQuery($id: ID!) {
    node(id: $id) {
      __typename
      id
      ...DatasetName_dataset @alias(as: "dataset")
    }
  }
`;
