import { add, command } from "../plan-edits";
import { m, type Mutant } from "./mutant";

export const commandsMutants: readonly Mutant[] = [
  ...["command", "interpreter"].map((name) =>
    m("G19", `a value in the ${name}`, (p) => {
      command(p, "trainer-image")[name].references = ["var.model"];
    }),
  ),
  m(
    "G19",
    "another command",
    (p) => (command(p, "trainer-image").command.constant_value = "make"),
  ),
  m(
    "G19",
    "a shell as interpreter",
    (p) =>
      (command(p, "trainer-image").interpreter.constant_value = ["bash", "-c"]),
  ),
  m(
    "G19",
    "no interpreter",
    (p) => delete command(p, "trainer-image").interpreter,
  ),
  m("G19", "a script of the same name in another folder", (p) => {
    command(p, "trainer-image").working_dir = { constant_value: "/tmp" };
  }),
  ...["NODE_OPTIONS", "PATH", "LD_PRELOAD"].map((name) =>
    m("G19", `${name} decides what runs`, (p) => {
      command(p, "trainer-image").environment.constant_value[name] = "x";
    }),
  ),
  m("G19", "an environment that is computed", (p) => {
    command(p, "trainer-image").environment = { references: ["var.x"] };
  }),
  m("G19", "a script outside of provision/", (p) => {
    command(p, "trainer-image").command.constant_value = "provision/../x.ts";
  }),
  m("G19", "remote-exec with a value", (p) =>
    add(
      p,
      "terraform_data",
      {},
      {
        provisioners: [
          {
            type: "remote-exec",
            expressions: { inline: { references: ["var.x"] } },
          },
        ],
      },
    ),
  ),
  m("G19", "a file is copied", (p) =>
    add(
      p,
      "terraform_data",
      {},
      { provisioners: [{ type: "file", expressions: {} }] },
    ),
  ),
  m("G19", "an external data source", (p) => {
    p.prior_state = {
      values: {
        root_module: {
          child_modules: [
            {
              resources: [
                {
                  address: "module.a.data.external.x",
                  mode: "data",
                  type: "external",
                  name: "x",
                  values: {},
                },
              ],
            },
          ],
        },
      },
    };
  }),
];
