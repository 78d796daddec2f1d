// What a portal does, with the generated types: type-checked, not run.
import createClient from "openapi-fetch";
import type { components, operations, paths } from "./keyledger";

type Key = components["schemas"]["Key"];
type Bucket = components["schemas"]["BucketName"];

const client = createClient<paths>({ baseUrl: "http://127.0.0.1:8080" });

export async function lifeOfAKey(): Promise<Key> {
  const made = await client.POST("/admin/api-keys", {
    params: { header: { "Keyledger-On-Behalf-Of": "Ada Lovelace" } },
    body: { tags: { customer_id: "acme" }, expiration: "2099-01-01T00:00:00Z" },
  });
  if (made.error) {
    throw new Error(made.error.errors?.map((one) => `${one.field}: ${one.message}`).join() ?? made.error.detail);
  }
  const secret: string = made.data.api_key;
  const path = { public_id: made.data.public_id };

  const page = await client.GET("/admin/api-keys", { params: { query: { tag: ["customer_id:acme"], status: ["active"] } } });
  const cursor: string | null | undefined = page.data?.next_cursor;

  await client.PATCH("/admin/api-keys/{public_id}", { params: { path }, body: { tags: { customer_id: null } } });
  await client.POST("/admin/api-keys/{public_id}/rotate", { params: { path }, body: { overlap_s: 60 } });
  await client.POST("/admin/api-keys/{public_id}/rotate", { params: { path }, body: { compromised: true } });
  // @ts-expect-error: a rotation says how the old secret ends
  await client.POST("/admin/api-keys/{public_id}/rotate", { params: { path }, body: {} });
  // @ts-expect-error: a misspelt member is refused
  const misspelt: components["schemas"]["CreateKeyBody"] = { tag: { customer_id: "acme" } };

  const revoked = await client.DELETE("/admin/api-keys/{public_id}", { params: { path, query: { reason: "done" } } });
  if (revoked.error) {
    throw new Error(`${revoked.error.detail} ${secret.length} ${cursor} ${misspelt.organization}`);
  }
  return revoked.data;
}

export async function bill(): Promise<Map<Bucket, string | null>> {
  const query: operations["showBill"]["parameters"]["query"] = {
    group_by: ["model", "day"],
    since: "2026-03-01T00:00:00Z",
    until: "2026-04-01T00:00:00Z",
  };
  const answer = await client.GET("/billing/usage", { params: { query } });
  const buckets = answer.data?.coverage ?? [];
  // Money is a string: no client rounds it by mistake.
  return new Map(buckets.map((one): [Bucket, string | null] => [one.bucket, one.cost_usd]));
}
