/** The Hub's address, with the variable that Hugging Face's own clients take. */
export function hubAddress(env: NodeJS.ProcessEnv): string {
  return (env["HF_ENDPOINT"] || "https://huggingface.co").replace(/\/+$/, "");
}
