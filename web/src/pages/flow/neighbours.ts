// Asks with whom an account dealt, in both directions.
import { get, withQuery } from "../../lib/api.ts";
import { enc } from "../../lib/router.svelte.ts";
import { DRAWN, type Beyond, type Neighbour } from "../../graph/beyond.ts";

interface Found {
  items: Neighbour[];
  total: number;
  is_truncated: boolean;
  remarks: string[];
}

export async function neighbours(account: string): Promise<Beyond> {
  const ask = (direction: "in" | "out") => get<Found>(withQuery(`/v1/addresses/${enc(account)}/neighbors`, { direction, limit: DRAWN }));
  const [into, out] = await Promise.all([ask("in"), ask("out")]);
  return { account, items: [...into.items, ...out.items], total: into.total + out.total, isTruncated: into.is_truncated || out.is_truncated, remarks: [...new Set([...into.remarks, ...out.remarks])] };
}
