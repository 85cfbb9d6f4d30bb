import type { gaxios } from "google-auth-library";
import * as provision from "../../provision/identity-token";
import { CommandError } from "../command-line";

/**
 * The identity token of whoever runs a command.
 *
 * @param audience - address of the service
 * @throws CommandError that says how to get one.
 */
export async function identityToken(
  audience: string,
  env: NodeJS.ProcessEnv,
  transporterOptions: gaxios.GaxiosOptions = {},
): Promise<string> {
  try {
    return await provision.identityToken(audience, env, { transporterOptions });
  } catch (error) {
    throw new CommandError((error as Error).message);
  }
}

export const { principalOf } = provision;
