import { entry, readable } from "../log-line";

/** One change of a resource in an apply. Times are in ms since 1970. */
export interface ApplyStep {
  /** With its index, if it has one. */
  readonly address: string;
  readonly action: string;
  readonly began: number;
  readonly ended: number;

  /** The part of it in which a local-exec ran. */
  readonly provisioner?: Provision;
}

export interface Provision {
  /** Such as `provision/build-image.ts`. */
  readonly script: string;
  readonly began: number;
  readonly ended: number;
}

/** What `terraform apply -json` told. */
export interface ApplyLog {
  /** Of Terraform's first and last message. */
  readonly began: number;
  readonly ended: number;
  readonly steps: readonly ApplyStep[];
}

type Open = {
  began: number;
  action: string;
  provisioner?: { script: string; began: number; ended: number };
};

/**
 * @param output - lines of JSON; others, such as a provider's, are passed over
 * @see https://developer.hashicorp.com/terraform/internals/machine-readable-ui
 */
export function readApplyLog(output: string): ApplyLog {
  const open = new Map<string, Open>();
  const steps: ApplyStep[] = [];
  const times: number[] = [];
  for (const message of messages(output)) {
    const at = Date.parse(message["@timestamp"]);
    times.push(at);
    const address: string = message.hook?.resource?.addr ?? "";
    const current = open.get(address);
    switch (message.type) {
      case "apply_start":
        open.set(address, { began: at, action: message.hook.action });
        break;
      case "provision_start":
        if (current) {
          current.provisioner = { script: "", began: at, ended: at };
        }
        break;
      case "provision_progress":
        if (current?.provisioner?.script === "") {
          current.provisioner.script = script(message.hook.output);
        }
        break;
      case "provision_complete":
      case "provision_errored":
        if (current?.provisioner) current.provisioner.ended = at;
        break;
      case "apply_complete":
      case "apply_errored":
        if (current) {
          steps.push({ address, ...current, ended: at });
          open.delete(address);
        }
    }
  }
  return {
    began: Math.min(...times),
    ended: Math.max(...times),
    steps: steps.sort((one, other) => one.began - other.began),
  };
}

/** What a person would have read: the text of each message. */
export function readableLog(output: string): string {
  return output.split("\n").map(readable).join("\n");
}

function messages(output: string): any[] {
  return output
    .split("\n")
    .map(entry)
    .filter((message) => message?.["@timestamp"] !== undefined);
}

/** The file in local-exec's first line: `Executing: ["node" "-r" "..." "provision/x.ts"]`. */
function script(output: string): string {
  return /"([^"]*)"\]\s*$/.exec(output)?.[1] ?? "";
}
