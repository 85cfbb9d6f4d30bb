import { isObject, objectOf } from "../json";
import type { Provisioner, Resource } from "../resource";
import { remains } from "../resource";
import type { Observation, Rule } from "../rule";

/** A command that runs on the machine of whoever applies is fixed text, and known. */
export const provisionerCommand: Rule = {
  id: "G19",
  title: "commands are fixed, and on the list",
  why: "A value that becomes part of a command can become a command, with the rights of whoever applies.",
  page: "https://developer.hashicorp.com/terraform/language/resources/provisioners/local-exec",
  check: ({ resources }) => [
    ...resources
      .filter(remains)
      .flatMap((r) => r.provisioners.flatMap((p) => judge(r, p))),
    ...resources
      .filter(({ type, mode }) => type === "external" && mode === "data")
      .map(
        ({ address }): Observation => ({
          level: "flag",
          address,
          message: "an external data source runs a program while planning",
          change: "read the value from a provider, or pass it in as a variable",
        }),
      ),
  ],
};

/** What becomes a command; the environment does not. */
const COMMAND = ["command", "interpreter", "inline", "script", "scripts"];

function judge(
  { address }: Resource,
  { type, arguments: given }: Provisioner,
): Observation[] {
  const parts = COMMAND.filter((name) => given[name] !== undefined);
  const interpolated = parts.flatMap((name) =>
    (given[name]?.references ?? []).map((reference) => ({ name, reference })),
  );
  if (interpolated.length > 0) {
    const [{ name } = { name: "" }] = interpolated;
    return [
      {
        level: "block",
        address,
        attribute: `provisioner.${type}.${name}`,
        message: `the ${name} of ${type} has ${interpolated.map((i) => i.reference).join(", ")} put into it`,
        change: "hand it over through environment, and keep the command fixed",
      },
    ];
  }
  if (
    parts.length > 0 &&
    parts.some((name) => given[name]?.value === undefined)
  ) {
    return [
      {
        level: "block",
        address,
        cannotTell: true,
        attribute: `provisioner.${type}.command`,
        message: `the command of ${type} is computed, and G19 cannot tell what it is`,
        change: "write the command down",
      },
    ];
  }
  return isOnTheList(type, given)
    ? []
    : [
        {
          level: "flag",
          address,
          attribute: `provisioner.${type}`,
          message: `${type} runs something that is not on the list`,
          change:
            "use a resource of the provider, or a script of this repository in provision/",
        },
      ];
}

/** Scripts of this repository, run by Node without a shell, and nothing that changes what Node runs. */
function isOnTheList(type: string, given: Provisioner["arguments"]): boolean {
  const { command, interpreter, working_dir: folder, environment } = given;
  return (
    type === "local-exec" &&
    /^provision\/[a-z-]+\.ts$/.test(String(command?.value)) &&
    JSON.stringify(interpreter?.value) ===
      '["node","-r","./swc-register.cjs"]' &&
    // From cdktf.out/stacks/NAME to the repository's root.
    folder?.value === "${path.root}/../../.." &&
    (environment === undefined || isObject(environment.value)) &&
    !Object.keys(objectOf(environment?.value)).some((name) =>
      /^(PATH$|NODE_|SWC|LD_|DYLD_)/i.test(name),
    )
  );
}
