import type { Row } from "./timeline";

/**
 * What a row is called: a provisioner by its script, a resource by type and name without the
 * letters that all have in common.
 */
export function rowName({ address, action, provisioner }: Row): string {
  const [type = "", name = ""] = address
    .replace(/^google_/, "")
    .split(/\.(.*)/s);
  const short = name.replace(/_[0-9A-F]{8}(?=$|\[)/, "");
  const what = provisioner?.script
    ? `${provisioner.script.replace(/^provision\/|\.ts$/g, "")} ${short.replace(/_Resource$/, "")}`
    : `${type} ${short}`;
  return action === "create" ? what : `${what} (${action})`;
}

/** In the room that there is, with what makes it different: its beginning and its end. */
export function shortened(text: string, room: number): string {
  const half = (room - 1) / 2;
  return text.length <= room
    ? text
    : `${text.slice(0, Math.ceil(half))}…${text.slice(text.length - Math.floor(half))}`;
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
