import type { Handlers } from "../call";
import { buckets } from "../storage/buckets";
import { objects } from "../storage/objects";

export const storage: Handlers = { ...buckets, ...objects };
