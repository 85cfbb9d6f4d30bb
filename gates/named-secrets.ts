import { attributes } from "./attribute";
import { objectOf } from "./json";
import type { Plan, Resource } from "./resource";
import { type Observation, unknownAttribute } from "./rule";
import { tokenShape } from "./token-shapes";

const SECRET_NAME =
  /TOKEN(?!S?_?I[SZ])|SECRET|PASSW(OR)?D|CREDENTIAL|(^|[_-]|API|ACCESS|PRIVATE)KEYS?([_-]|$)/i;

/** Variables of containers that are called a secret and hold a plain value. */
export function namedSecrets(
  resource: Resource,
  template: readonly string[],
  kind: Plan["kind"],
): Observation[] {
  const of = (key: string) =>
    attributes(resource, [...template, "containers", "env", key]);
  const values = new Map(of("value").map((value) => [value.path, value]));
  return of("name").flatMap((name): Observation[] => {
    const value = values.get(name.path.replace(/name$/, "value"));
    if (value === undefined) return [];
    if (name.known && !SECRET_NAME.test(String(name.value))) return [];
    // At synth a reference is as good as its name.
    const open = [name, value].find(({ known }) => !known);
    if (open !== undefined) {
      return kind === "plan" ? [unknownAttribute(resource, open, "G14")] : [];
    }
    return isInClear(String(name.value), value.value)
      ? [inClear(resource, String(name.value), value.path)]
      : [];
  });
}

/** The same for the programs that Terraform runs; a `SECRET` there is a name. */
export function namedInCommands(resource: Resource): Observation[] {
  return resource.provisioners.flatMap(({ arguments: { environment } }) =>
    Object.entries(objectOf(environment?.value))
      .filter(
        ([name, value]) =>
          /(TOKEN|PASSW(OR)?D|KEY)$/i.test(name) &&
          isInClear(name, value) &&
          !String(value).includes("${"),
      )
      .map(([name]) =>
        inClear(resource, name, `provisioners.environment.${name}`),
      ),
  );
}

function isInClear(name: string, value: unknown): boolean {
  return (
    typeof value === "string" &&
    !/^(|true|false|yes|no)$/i.test(value) &&
    // A number of tokens.
    !(/TOKEN/i.test(name) && /^[\d.]+$/.test(value)) &&
    tokenShape(value) === undefined
  );
}

function inClear(
  { address }: Resource,
  name: string,
  attribute: string,
): Observation {
  return {
    level: "block",
    address,
    attribute,
    message: `the variable ${name} has a value in clear`,
    change: "give it a value_source with the secret's name and version",
  };
}
