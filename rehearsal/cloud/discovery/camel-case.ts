/** The name that JSON has for a field of protocol buffers. */
export function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_all, letter: string) =>
    letter.toUpperCase(),
  );
}
