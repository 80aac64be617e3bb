// A list that is read page by page, as a page of a web application declares what it needs.
import { graphql } from "react-relay";

export const page = graphql`
  query DatasetListQuery($first: Int!, $after: String) {
    ...DatasetList_query @arguments(first: $first, after: $after)
  }
`;

export const list = graphql`
  fragment DatasetList_query on Query
  @refetchable(queryName: "DatasetListPaginationQuery")
  @argumentDefinitions(first: { type: "Int", defaultValue: 20 }, after: { type: "String" }) {
    datasets(first: $first, after: $after) @connection(key: "DatasetList_datasets") {
      edges {
        node {
          id
          ...DatasetName_dataset
        }
      }
    }
  }
`;
