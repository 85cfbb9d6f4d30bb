import { z } from "zod";

const ALLOWED =
  '"none", or {"amount", "currency", "billingAccount", "emails"} with the amount that a month may cost';

/** What a month may cost before people are told. */
export const budgetSettings = z.union(
  [
    z.literal("none"),
    z.strictObject({
      amount: z
        .int("a whole amount of money from 1")
        .min(1, "a whole amount of money from 1"),
      /** The currency of the billing account: Google refuses any other. */
      currency: z
        .string("a currency such as USD")
        .regex(/^[A-Z]{3}$/, "a currency such as USD")
        .default("USD"),
      /** The project's own where it is not set. */
      billingAccount: z
        .string("a billing account such as 012345-6789AB-CDEF01")
        .regex(
          /^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$/,
          "a billing account such as 012345-6789AB-CDEF01",
        )
        .optional(),
      /** Who is told beside the administrators of the billing account. */
      emails: z
        .array(
          z
            .string("an email address")
            .regex(/^[^\s@]+@[^\s@]+\.[^\s@]+$/, "an email address"),
        )
        .max(5, "at most five email addresses")
        .refine((all) => new Set(all).size === all.length, {
          error: "each email address once",
        })
        .default([]),
    }),
  ],
  { error: ALLOWED },
);

/** A budget that is wanted. */
export type Budget = Exclude<z.infer<typeof budgetSettings>, "none">;
