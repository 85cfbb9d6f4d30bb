import { after } from "../plan-edits";
import { REPOSITORY, m, template, task, type Mutant } from "./mutant";

const image = (what: string, uri: string, rules = "G13") =>
  m(rules, what, (p) => (template(p).containers[0].image = uri));
const OWN =
  "us-central1-docker.pkg.dev/my-project/codelab-finetuning-jobs/serve-finetuned";
const DIGEST = `sha256:${"0a".repeat(32)}`;

export const imagesMutants: readonly Mutant[] = [
  image("an image by tag", `${OWN}:v1`),
  image("an image by latest", `${OWN}:latest`),
  image("an image without a tag", OWN),
  image("an image whose digest is cut short", `${OWN}@sha256:0a0a`),
  image(
    "a hash in another repository",
    "us-central1-docker.pkg.dev/my-project/other/x:aaaaaaaaaaaaaaaa",
  ),
  image(
    "an image of somebody else, by digest",
    `docker.io/vllm/vllm-openai@${DIGEST}`,
  ),
  image(
    "an image of another project, by digest",
    `us-docker.pkg.dev/other-project/r/x@${DIGEST}`,
  ),
  m(
    "G13",
    "tags of the repository can move",
    (p) => (after(p, REPOSITORY).docker_config[0].immutable_tags = false),
  ),
  m(
    "G13",
    "the repository says nothing about tags",
    (p) => (after(p, REPOSITORY).docker_config = []),
  ),
  m(
    "G13",
    "the job's image by tag",
    (p) => (task(p).containers[0].image = `${OWN}:v2`),
  ),
];
