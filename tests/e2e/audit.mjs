// The audit of graphql-http, as it is: what a server has to do, should do and may do.
import { auditServer } from "graphql-http";

for (const one of await auditServer({ url: process.argv[2] })) {
  console.log(JSON.stringify({ id: one.id, name: one.name, status: one.status, reason: one.reason }));
}
